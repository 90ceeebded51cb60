"""What a run records: ops, nodes, and the immutable sequence of them."""
