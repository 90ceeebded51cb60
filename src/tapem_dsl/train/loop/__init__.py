"""Training loops: mean losses, steps, evaluation, logs."""
