"""A tape as the graph JSON that TorchLean imports and verifies."""

from tapem_dsl.interpreters.torchlean.export import to_torchlean as to_torchlean
