"""A table of rules, one for each class of op that an interpreter understands."""

from collections.abc import Callable
from typing import Generic, TypeVar

from tapem_dsl.errors import MissingRule, Refused
from tapem_dsl.ids import NodeId
from tapem_dsl.tape.op import Op

R = TypeVar("R")


class RuleTable(Generic[R]):
    """
    Which rule an interpreter has for which op, by the op's exact class.

    Args:
        interpreter: what the message about a missing rule calls it.

    >>> from tapem_dsl.ops.arithmetic import Add
    >>> costs: RuleTable[int] = RuleTable("cost")
    >>> costs.define(Add)(1)
    1
    >>> costs.get(Add)
    1
    """

    __slots__ = ("_interpreter", "_rules", "get")

    get: Callable[[type[Op]], R | None]
    """Return the rule of a class, or ``None``: the dict's own method, as fast."""

    def __init__(self, interpreter: str) -> None:
        self._interpreter = interpreter
        self._rules: dict[type[Op], R] = {}
        self.get = self._rules.get

    def define(self, kind: type[Op]) -> Callable[[R], R]:
        """
        Decorate the rule for a class of op.

        Raises:
            TypeError: not a class of op.
            ValueError: the class has a rule already.
        """
        if not _is_class_of_op(kind):
            raise TypeError(f"a rule is defined for a class of op, not for {kind!r}")

        def enter(rule: R) -> R:
            if self._rules.setdefault(kind, rule) is not rule:
                raise ValueError(
                    f"{kind.__name__} already has a {self._interpreter} rule; to "
                    "replace it, run the definition of the class again, too"
                )
            return rule

        return enter

    def __contains__(self, kind: type[Op]) -> bool:
        return kind in self._rules

    def missing(self, op: Op, id: NodeId) -> Refused:
        """Refuse an op without a rule, by name."""
        return Refused(MissingRule(op.name, interpreter=self._interpreter, id=id))


def _is_class_of_op(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Op)
