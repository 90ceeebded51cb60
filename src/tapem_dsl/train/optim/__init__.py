"""Optimisers: rules for one tensor, transforms of packs, and TorchLean's table."""
