"""Hides pytest from the programs that tests start: Borg imports it at every start where it can."""

raise ImportError("Borg goes without pytest where it is not installed")
