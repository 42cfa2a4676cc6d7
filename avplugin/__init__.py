"""Backups of AccountView that can be trusted, on borgmatic and Borg."""

__version__ = "0.1.0"
