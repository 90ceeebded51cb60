"""What can be done with a tape. Order of imports: reverse, forward, recorded."""
