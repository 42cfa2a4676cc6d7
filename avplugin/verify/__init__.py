"""Whether tables are sound where they lie, and whether snapshots come back as they were."""
