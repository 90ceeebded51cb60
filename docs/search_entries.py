"""What people search for, beside the names in docstrings: entries of the index."""

import re
from typing import Final

OF_OPS: Final = {
    "attention": ["torch.nn.MultiheadAttention", "self-attention"],
    "avg_pool": ["torch.nn.AvgPool1d", "torch.nn.AvgPool2d"],
    "batch_norm": ["torch.nn.InstanceNorm2d", "torch.nn.BatchNorm2d"],
    "bce_with_logits": ["torch.nn.BCEWithLogitsLoss"],
    "clamp": ["numpy.clip", "np.clip"],
    "concat": ["numpy.concatenate", "np.concatenate"],
    "conv": ["torch.nn.Conv1d", "torch.nn.Conv2d", "convolution"],
    "conv_transpose": ["torch.nn.ConvTranspose2d"],
    "cross_entropy": ["torch.nn.CrossEntropyLoss"],
    "gather": ["torch.nn.Embedding"],
    "gelu": ["torch.nn.GELU"],
    "huber_loss": ["torch.nn.HuberLoss", "torch.nn.SmoothL1Loss"],
    "l1_loss": ["torch.nn.L1Loss"],
    "layer_norm": ["torch.nn.LayerNorm"],
    "linear": ["torch.nn.Linear"],
    "log_softmax": ["torch.nn.LogSoftmax"],
    "max_pool": ["torch.nn.MaxPool1d", "torch.nn.MaxPool2d"],
    "mse_loss": ["torch.nn.MSELoss", "mean squared error"],
    "nll": ["torch.nn.NLLLoss"],
    "relu": ["torch.nn.functional.relu", "torch.nn.ReLU"],
    "sigmoid": ["torch.nn.Sigmoid"],
    "softmax": ["torch.nn.functional.softmax", "torch.nn.Softmax"],
    "softplus": ["torch.nn.Softplus"],
    "tanh": ["torch.nn.Tanh"],
    "transpose": ["torch.Tensor.T", "numpy.transpose"],
}
OF_PAGES: Final = {
    "contributing": ["adding an op", "adding an interpreter"],
    "guides/jit": ["compile", "torch.compile", "jax.jit"],
    "guides/lemmas": ["gradient check", "torch.autograd.gradcheck", "lemma"],
    "guides/levels": [
        "second derivative",
        "Hessian",
        "create_graph",
        "gradient penalty",
    ],
    "guides/own_ops": ["custom op", "own op", "add an op", "torch.autograd.Function"],
    "guides/per_sample": ["vmap", "jax.vmap", "torch.vmap", "jax.lax.scan"],
    "guides/training": [
        "checkpoint",
        "resume",
        "CSV",
        "early stopping",
        "dropout",
        "train",
    ],
    "guides/typing": ["mypy", "pyright"],
    "guides/xla": ["GPU", "JAX", "XLA", "several devices", "export"],
    "related": ["PyTorch or JAX", "comparison"],
}
"""By the name of a page, without its ending."""


def entries_in_table(text: str) -> list[str]:
    """Return the functions that the first cells of a table call."""
    cells = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    calls = (re.match(r"torch(\.\w+)+", cell) for cell in cells)
    return [call[0] for call in calls if call]


def with_entries(page: str, text: str) -> str:
    """Put entries of the index below the title of a page."""
    names = list(OF_PAGES.get(page, ()))
    if page == "coming_from/missing_ops":
        whole = entries_in_table(text)
        names += [*whole, *(name.rpartition(".")[2] for name in whole)]
    if not names:
        return text
    title, _, rest = text.partition("\n")
    entries = "\n".join(f"   ! single: {name}" for name in dict.fromkeys(names))
    return f"{title}\n\n```{{eval-rst}}\n.. index::\n{entries}\n```\n{rest}"
