"""Data in memory, in files, and a place among its batches."""
