"""
The library without its types.

For mistakes that checkers would show, and for tracers among the leaves.
"""

from typing import Any, Final

import tapem_dsl

LOOSE: Final[Any] = tapem_dsl
GRADIENT: Final[Any] = LOOSE.value_and_grad
