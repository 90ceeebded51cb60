"""Losses, gradients, steps, and what is told of them."""
