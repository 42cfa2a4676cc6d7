"""How the backups are: what has to be looked at, out of what this machine knows."""
