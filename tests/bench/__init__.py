"""How fast and how small, beside the others: see docs/bench.md."""
