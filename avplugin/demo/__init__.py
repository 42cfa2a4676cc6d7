"""A made-up AccountView office, to try things on and to test with."""
