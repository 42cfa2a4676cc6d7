"""A night: what the hooks before and after a backup do, and starting one by hand."""
