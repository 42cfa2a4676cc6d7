"""Every contact with borgmatic and Borg; nothing else in the package has any."""
