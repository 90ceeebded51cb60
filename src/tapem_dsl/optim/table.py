"""TorchLean's optimiser: a table of parameters by id, and a rule for each group."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
from returns.result import Result, Success

from tapem_dsl.arguments import check_argument, check_array, check_fields, items_of
from tapem_dsl.arrays import Array
from tapem_dsl.arrays.shape import Shape, check_shape
from tapem_dsl.errors import ParameterError, TapeError, failed
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.optim.rules import NonNegative, Real, UpdateRule, check_rule, fits
from tapem_dsl.optim.schedules import Schedule, rate_at
from tapem_dsl.optim.transforms import apply_updates
from tapem_dsl.tape.equality import same, structural
from tapem_dsl.tape.value import as_value

_TAG = "optim"


@final
@dataclass(frozen=True, slots=True, eq=False)
class ParamEntry:
    """
    One parameter: its id, a name for messages, and its value.

    >>> ParamEntry(NodeId(0), "w", np.ones(2))
    ParamEntry(id=0, name='w', value=array([1., 1.]))
    """

    id: NodeId
    name: str
    value: Array
    """An array, or a NumPy scalar of shape ``()``."""

    def __post_init__(self) -> None:
        index_of(self.id, "ParamEntry, id")
        check_fields(self)
        check_array("ParamEntry", "value", self.value)

    @structural
    def __eq__(self, other: object) -> bool:
        return same(self, other)

    def __hash__(self) -> int:
        return hash((self.id, self.name))


@final
@dataclass(frozen=True, slots=True)
class ParamTable:
    """
    Parameters in order.

    Lean: ``ParamTable``. PyTorch: ``dict(module.named_parameters())``.

    >>> table = ParamTable((ParamEntry(NodeId(0), "w", np.ones(2)),))
    >>> table.get_tensor("demo", NodeId(0), (2,))
    <Success: [1. 1.]>
    """

    entries: tuple[ParamEntry, ...] = ()

    def __post_init__(self) -> None:
        entries = items_of("ParamTable", "entries", self.entries, ParamEntry)
        object.__setattr__(self, "entries", entries)

    def get_tensor(
        self, tag: str, id: NodeId, shape: Shape
    ) -> Result[Array, TapeError]:
        """
        Return the value of a parameter, which must have a shape.

        Fails with:
            :class:`ParameterError`: the table lacks the id, or the shape differs.

        Lean: ``getTensor``.

        >>> ParamTable().get_tensor("demo", NodeId(3), ())
        <Failure: demo: missing param id 3 (id=3)>
        """
        check_argument("ParamTable.get_tensor", "tag", tag, str)
        index_of(id, "ParamTable.get_tensor, id")
        check_shape(shape)
        for entry in self.entries:
            if entry.id == id:
                if entry.value.shape == shape:
                    return Success(entry.value)
                what = f"param shape mismatch for id {id}"
                return failed(ParameterError(tag, what, id=id))
        return failed(ParameterError(tag, f"missing param id {id}", id=id))

    def set(self, id: NodeId, value: Array) -> "ParamTable":
        """
        Return the table with another value for an id; unchanged if it lacks the id.

        Lean: ``set``.

        >>> table = ParamTable((ParamEntry(NodeId(0), "w", np.float64(1)),))
        >>> table.set(NodeId(0), np.float64(2)).entries[0].value
        np.float64(2.0)
        """
        index_of(id, "ParamTable.set, id")
        check_array("ParamTable.set", "value", value)
        entries = [
            replace(entry, value=value) if entry.id == id else entry
            for entry in self.entries
        ]
        return ParamTable(tuple(entries))


@final
@dataclass(frozen=True, slots=True)
class ParamGroup:
    """
    The ids of some parameters, their rule and their rate.

    Lean: ``ParamGroup``, whose ``kind`` and hyperparameters are ``rule`` here. PyTorch:
    ``optimizer.param_groups``.

    >>> from tapem_dsl.optim.rules import Sgd
    >>> ParamGroup((NodeId(0),), Sgd(), 0.1).rate_at(5)
    0.1
    """

    ids: tuple[NodeId, ...]
    rule: UpdateRule[Any]  # Any: its state
    rate: NonNegative
    schedule: Schedule | None = None
    """If given, it replaces ``rate``; its argument is the count of past steps."""

    def __post_init__(self) -> None:
        check_fields(self, ids=Iterable)
        object.__setattr__(self, "ids", tuple(self.ids))
        for at, id in enumerate(self.ids):
            index_of(id, f"ParamGroup, ids[{at}]")
        check_rule("ParamGroup", self.rule)
        if self.schedule is not None:
            check_fields(self, schedule=Callable)

    def rate_at(self, step: int) -> Real:
        """Return the rate of a step, counted from 0."""
        check_argument("ParamGroup.rate_at", "step", step, "count")
        rate = self.rate if self.schedule is None else self.schedule
        now: Real = rate_at(rate, step)
        return now


@final
@dataclass(frozen=True, slots=True, eq=False)
class Optimizer:
    """
    Groups of parameters, the parameters' states, and the count of past steps.

    An optimiser is immutable: :meth:`step` returns the next one. A checkpoint saves
    ``(steps, states)``, and loads them into those of a fresh :meth:`init`.

    Lean: ``Train.Optim`` of the later generations: a parameter without a gradient keeps
    its value, its state and its own count of steps.

    >>> from tapem_dsl.optim.rules import Sgd
    >>> table = ParamTable((ParamEntry(NodeId(0), "w", np.float64(3)),))
    >>> optimiser = Optimizer((ParamGroup((NodeId(0),), Sgd(), 0.5),))
    >>> after = optimiser.step(table, {NodeId(0): np.float64(2)})
    >>> after.map(lambda given: (given[0].steps, given[1].entries[0].value))
    <Success: (1, np.float64(2.0))>
    """

    groups: tuple[ParamGroup, ...]
    steps: int = 0
    states: dict[NodeId, Any] = field(default_factory=dict)  # Any: of any rule

    def __post_init__(self) -> None:
        groups = items_of("Optimizer", "groups", self.groups, ParamGroup)
        object.__setattr__(self, "groups", groups)
        check_fields(self, steps="count", states=dict)

    def init(self, table: ParamTable) -> "Optimizer":
        """
        Return the optimiser with a state for each parameter of its groups.

        >>> from tapem_dsl.optim.rules import Momentum
        >>> table = ParamTable((ParamEntry(NodeId(0), "w", np.float64(3)),))
        >>> Optimizer((ParamGroup((NodeId(0),), Momentum(), 0.5),)).init(table).states
        {0: Buffered(steps=0, buffer=np.float64(0.0))}
        """
        check_argument("Optimizer.init", "table", table, ParamTable)
        rules = {id: group.rule for group in self.groups for id in group.ids}
        fresh = {
            entry.id: rules[entry.id].init(entry.value)
            for entry in table.entries
            if entry.id in rules
        }
        return replace(self, states=fresh | self.states)

    def step(
        self, table: ParamTable, gradients: Mapping[NodeId, Array]
    ) -> "Result[tuple[Optimizer, ParamTable], TapeError]":
        """
        Update each parameter that has a gradient; return the next optimiser and table.

        Fails with:
            :class:`ParameterError`: an id twice in the table, in two groups or in none;
            a group's id that the table lacks; a gradient or a state of another shape.

        Raises:
            TypeError: a state of another rule.
            ValueError: a gradient of another dtype than its parameter; a schedule that
                returns a negative or infinite rate.

        Lean: ``step``.

        >>> table = ParamTable((ParamEntry(NodeId(0), "w", np.ones(1)),))
        >>> Optimizer(()).step(table, {})
        <Failure: optim: no parameter group for id 0 (id=0)>
        """
        check_argument("Optimizer.step", "table", table, ParamTable)
        check_argument(
            *("Optimizer.step", "gradients", gradients, Mapping),
            "; pass the result of backward_scalar, from ids to arrays",
        )
        wrong = self._wrong(table)
        if wrong is not None:
            return failed(wrong)
        group_of = {id: group for group in self.groups for id in group.ids}
        states, entries = dict(self.states), []
        for entry in table.entries:
            id, p, g = entry.id, entry.value, gradients.get(entry.id)
            if id not in group_of:
                return failed(_error(f"no parameter group for id {id}", id))
            if g is None:
                entries.append(entry)
                continue
            if np.shape(g) != np.shape(p):
                return failed(_error(f"gradient shape mismatch for id {id}", id))
            rule, rate = group_of[id].rule, group_of[id].rate_at(self.steps)
            state = states[id] if id in states else rule.init(p)
            if not fits(state, as_value(p)):
                return failed(_error(f"state shape mismatch for id {id}", id))
            change, states[id] = rule.update(g, state, p, rate)
            entries.append(replace(entry, value=apply_updates(p, change)))
        after = replace(self, steps=self.steps + 1, states=states)
        return Success((after, ParamTable(tuple(entries))))

    @structural
    def __eq__(self, other: object) -> bool:
        return same(self, other)

    def __hash__(self) -> int:
        return hash((Optimizer, self.steps, len(self.groups)))

    def _wrong(self, table: ParamTable) -> TapeError | None:
        """Return the first inconsistency between groups and table, if any."""
        known: set[NodeId] = set()
        for entry in table.entries:
            if entry.id in known:
                return _error(f"duplicate parameter id {entry.id}", entry.id)
            known.add(entry.id)
        grouped: set[NodeId] = set()
        for id in (id for group in self.groups for id in group.ids):
            if id in grouped:
                return _error(f"param id {id} appears in multiple groups", id)
            grouped.add(id)
        for id in (id for group in self.groups for id in group.ids):
            if id not in known:
                return _error(f"parameter group references unknown id {id}", id)
        return None


def _error(what: str, id: NodeId) -> ParameterError:
    return ParameterError(_TAG, what, id=id)
