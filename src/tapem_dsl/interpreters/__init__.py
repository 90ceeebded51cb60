"""What can be done with a tape; the interpreters are peers of one another."""
