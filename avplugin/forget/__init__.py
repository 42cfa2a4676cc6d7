"""Erasing one administration from every archive: what that takes, doing it, and its proof."""
