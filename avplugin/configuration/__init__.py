"""accountview.yaml: its schema, reading and checking it, and the values it holds."""
