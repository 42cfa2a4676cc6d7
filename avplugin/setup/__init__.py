"""The first configuration of an installation, out of what its people can tell."""
