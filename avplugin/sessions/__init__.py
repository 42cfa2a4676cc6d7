"""Who is in: one small module per way of finding out, and what follows from the answers."""
