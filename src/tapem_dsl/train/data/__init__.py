"""Data sets in memory and on disk, their files, batches and streams."""
