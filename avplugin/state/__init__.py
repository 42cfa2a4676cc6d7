"""The only readers and writers of files that outlive a run; every write is atomic."""
