"""Tapes and gradients in files, which load bit for bit or are refused."""

from tapem_dsl.interpreters.saved.tapes import SavedTape as SavedTape
from tapem_dsl.interpreters.saved.tapes import load_tape as load_tape
from tapem_dsl.interpreters.saved.tapes import save_tape as save_tape
