"""The model: an AccountView installation, its administrations and their folders."""
