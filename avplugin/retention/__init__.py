"""What a repository needs of what it has, and keeping borgmatic's prune away from it."""
