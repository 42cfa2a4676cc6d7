"""Putting whole folders back out of a snapshot."""
