"""Packages: one administration in one file, for an accountant or a client, there and back."""
