"""Ops, the nodes that a run records, and the immutable tape of nodes."""
