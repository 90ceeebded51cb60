"""``jit``: note one run of a function, then run the plan."""

import threading
import time
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Generic,
    Literal,
    TypeAlias,
    TypeVar,
    final,
)

import numpy as np

from tapem_dsl.arguments import check_argument, items_of
from tapem_dsl.arrays import AnyArray
from tapem_dsl.interpreters.compiled.engine import Runner, lowered, owned
from tapem_dsl.interpreters.compiled.keys import (
    Eager,
    Key,
    differences,
    key_of,
    places_of,
    with_inputs,
)
from tapem_dsl.interpreters.compiled.noting import (
    Noted,
    PreconditionFailed,
    ValueKept,
    ValueRead,
)
from tapem_dsl.interpreters.compiled.plan import Plan, Slot
from tapem_dsl.interpreters.compiled.returned import apart, rebuilding
from tapem_dsl.interpreters.compiled.rolling import Rolled, rolled
from tapem_dsl.messages import short_repr
from tapem_dsl.program.checks import function_argument

# Any: a function of whatever arguments and result.
F = TypeVar("F", bound=Callable[..., Any])


Roll: TypeAlias = Literal["auto"] | bool
"""Whether repetitions are rolled up."""

# Any, below: arguments and results of whatever function is compiled.


@final
@dataclass(frozen=True, slots=True)
class Compiled:
    """One plan of a function, ready to run."""

    plan: Plan
    noted: int
    """How many calls the plan had before it was rolled up."""

    rolled: list[str]
    """What was rolled up, and what was not."""

    run: Runner
    rebuild: Callable[[list[Any]], Any]
    """From the outputs of a run to the result of the function."""

    seconds: float


@final
class Jitted(Generic[F]):
    """
    A function under :func:`jit`: called as the function is, with the same results.

    >>> step = jit(lambda x: x * 2.0 + 1.0)
    >>> step(np.float64(3)), step(np.float64(4))
    (np.float64(7.0), np.float64(9.0))
    >>> print(step.report())
    <lambda>: 1 plan, 1 run of a plan
    plan 0: 1 input, 2 calls, 0 checks, made in ... ms
        not rolled up: it has fewer than 256 calls
    """

    def __init__(
        self,
        function: F,
        static: frozenset[Any],
        cache: int,
        *,
        guards: bool,
        roll: Roll,
    ) -> None:
        self.function = function
        self._static = static
        self._cache = cache
        self._guards = guards
        self._roll = roll
        self._plans: OrderedDict[Key, tuple[Compiled, ...]] = OrderedDict()
        self._eager: Counter[str] = Counter()
        self._runs = 0
        self._made = 0
        self._lock = threading.Lock()

    if TYPE_CHECKING:
        __call__: F
    else:

        def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102 - see above
            try:
                key, inputs = key_of(args, kwargs, self._static)
            except Eager as reason:
                return self._run_eagerly(str(reason), args, kwargs)
            except Exception as error:  # noqa: BLE001 - of someone's __hash__, or depth
                reason = f"its key cannot be made: {type(error).__name__}"
                return self._run_eagerly(reason, args, kwargs)
            with self._lock:
                plans = self._plans.get(key, ())
                if plans and len(self._plans) > 1:
                    self._plans.move_to_end(key)
            for plan in plans:
                found = _outputs(plan.run, inputs)
                if isinstance(found, list):
                    self._runs += 1
                    if plan is not plans[0]:
                        self._put_first(key, plan)
                    return plan.rebuild(found)
                if isinstance(found, str):
                    return self._run_eagerly(found, args, kwargs)
                if plan.plan.checks[found].precondition:
                    return self._run_eagerly("a precondition failed", args, kwargs)
            if len(plans) >= MOST_OUTCOMES:
                return self._run_eagerly("too many outcomes of guards", args, kwargs)
            return self._note(key, args, kwargs, inputs)

    def plan(self, *args: Any, **kwargs: Any) -> tuple[Plan, ...]:
        """
        Return the plans for arguments like these, the one that ran last first.

        >>> step = jit(lambda x: x * x)
        >>> _ = step(np.float64(3))
        >>> step.plan(np.float64(5))
        (%0 = input -> float64[]
        %1 = multiply(%0, %0) -> float64[],)
        """
        try:
            key, _ = key_of(args, kwargs, self._static)
        except Eager:
            return ()  # they run as they are
        return tuple(compiled.plan for compiled in self._plans.get(key, ()))

    def report(self) -> str:
        """Say what was compiled, what was not, and why."""
        with self._lock:
            every = [x for plans in self._plans.values() for x in plans]
            eager = list(self._eager.items())
        name = _name(self.function)
        runs = f"{_count(self._runs, 'run')} of a plan"
        lines = [f"{name}: {_count(len(every), 'plan')}, {runs}"]
        for i, compiled in enumerate(every):
            plan = compiled.plan
            calls = _count(plan.count(), "call")
            if compiled.noted != plan.count():
                calls += f" instead of {compiled.noted:,}"
            lines.append(
                f"plan {i}: {_count(len(plan.inputs), 'input')}, {calls}, "
                f"{_count(len(plan.checks), 'check')}, "
                f"made in {compiled.seconds * 1e3:.1f} ms"
            )
            lines += [f"    {line}" for line in compiled.rolled]
        for reason, times in eager:
            lines.append(f"as it is, {_count(times, 'time')}: {reason}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"jit({_name(self.function)})"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Pickle the function; plans are made again where they are needed."""
        options = (self._static, self._cache, self._guards, self._roll)
        return _remade, (self.function, *options)

    def _run_eagerly(
        self, reason: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        self._eager[reason] += 1
        return self.function(*args, **kwargs)

    def _note(
        self,
        key: Key,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        inputs: list[AnyArray],
    ) -> Any:
        """Run the function over noted inputs, and compile what it notes."""
        began = time.perf_counter()
        plan = Plan(guards=self._guards, rolls=bool(self._roll))
        given = iter(inputs)

        def noted(_: Any) -> Noted:
            value = next(given)
            return Noted(plan, plan.input(value), value)

        try:
            positional, named = with_inputs(args, kwargs, self._static, noted)
        except Exception:  # noqa: BLE001 - a record may refuse what it is made of
            reason = "a record among the arguments refuses noted values"
            return self._run_eagerly(reason, args, kwargs)
        try:
            with np.errstate(all="ignore"):
                result = self.function(*positional, **named)
            if plan.stopped is not None:
                raise plan.stopped
            leaves, structure, succeeded = apart(result, plan)
        except PreconditionFailed:
            return self._run_eagerly("a precondition failed", args, kwargs)
        except Eager as reason_why:
            return self._run_eagerly(str(reason_why), args, kwargs)
        except (ValueRead, ValueKept):
            raise
        except Exception as error:
            self.function(*args, **kwargs)  # raises if the program does
            raise ValueRead from error
        finally:
            plan.close()
        outputs = [x for x in leaves if type(x) is Noted]
        rebuild = rebuilding(leaves, structure, succeeded=succeeded)
        try:
            with np.errstate(all="ignore"):  # literals are rounded
                found = self._rolled(plan, [x.slot for x in outputs])
                run = lowered(found.plan, found.outputs)
        except (TypeError, SyntaxError, RecursionError, MemoryError) as error:
            reason = f"its plan cannot be made: {error}"
            return self._run_eagerly(reason, args, kwargs)
        seconds = time.perf_counter() - began
        self._keep(
            key,
            Compiled(found.plan, plan.count(), found.report, run, rebuild, seconds),
        )
        # the first call gives the bits that later ones give
        values = None if found.plan is plan else _outputs(run, inputs)
        if not isinstance(values, list):
            values = [owned(x.value, foreign=True) for x in outputs]
        return rebuild(values)

    def _rolled(self, plan: Plan, outputs: list[Slot]) -> Rolled:
        """Roll a plan up where that is asked for."""
        if not self._roll or (self._roll == "auto" and len(plan.calls) < _ENOUGH):
            reason = f"it has fewer than {_ENOUGH} calls" * bool(self._roll)
            return Rolled(plan, outputs, [f"not rolled up: {reason}"] if reason else [])
        try:
            return rolled(plan, outputs, always=self._roll is True)
        except Exception as error:  # noqa: BLE001 - the plan as it is does the same
            reason = f"not rolled up: {type(error).__name__}: {error}"
            return Rolled(plan, outputs, [reason])

    def _put_first(self, key: Key, plan: Compiled) -> None:
        """Let the next call try this plan first: outcomes of guards seldom change."""
        with self._lock:
            others = [x for x in self._plans.get(key, ()) if x is not plan]
            self._plans[key] = (plan, *others)

    def _keep(self, key: Key, compiled: Compiled) -> None:
        with self._lock:
            there = self._plans.get(key, ())
            if any(other.plan.is_like(compiled.plan) for other in there):
                return  # another thread noted the same
            self._plans[key] = (*there, compiled)
            keys = list(self._plans)
            while len(self._plans) > self._cache:
                self._plans.popitem(last=False)
            self._made += 1
            made = self._made
        if made == MANY:
            name = _name(self.function)
            warnings.warn(
                f"jit has made {MANY} plans of {name}, for {_why(keys)}; "
                "each costs a run: pass what varies as an array, or cut the data into "
                "equal shapes",
                stacklevel=3,
            )


MOST_OUTCOMES: Final = 8
"""How many outcomes of guards have plans of their own, for arguments of one key."""

MANY: Final = 8

_ENOUGH: Final = 256
"""From how many calls on a plan is rolled up, unless the caller decides."""


def jit(
    function: F,
    *,
    engine: Literal["numpy"] = "numpy",
    static_argnames: str | Collection[str] = (),
    guards: bool = False,
    cache: int = 64,
    roll: Roll = "auto",
) -> Jitted[F]:
    """
    Compile a function of pytrees: note what its first call computes, and run that.

    The first call with arguments of some structure, shapes and dtypes runs the
    function over arrays that note each call of the array namespace. Later calls with
    such arguments run the noted plan over bare arrays: neither the program nor the tape
    nor the sweep runs again.

    What repeats in a plan is rolled up: the losses of samples are computed at once,
    and a loop over time steps becomes a short loop over arrays.

    Laws:
        - the results are those of the function, but for the order of sums;
        - with ``roll=False``, bit for bit.

    Floats, integers and arrays are inputs. Truth values, texts and functions are
    static: another one makes another plan. Closures and random numbers are frozen:
    they are as they were in the noted call; pass them as arguments instead.

    Args:
        function: of arguments and a result that are pytrees; a ``Result`` of one too.
        engine: what runs plans.
        static_argnames: arguments that Python code reads, such as a count.
        guards: whether Python code may read values; each outcome is a plan.
        roll: whether repetitions are rolled up: ``"auto"`` where a plan has 256 calls
            or more and an estimate says that it saves time.
        cache: for how many keys plans are kept; the one used longest ago goes first.

    Fails with:
        As the function: where a plan finds that a precondition fails, the function
        itself runs.

    Raises:
        TypeError: Python code reads a value; from a call.

    Cost:
        The first call 20 us a call of the namespace.

    Source:
        Lean: none. JAX: ``jax.jit``.

    >>> from tapem_dsl import mul, value_and_grad
    >>> step = jit(value_and_grad(lambda x: mul(x, x)))
    >>> step(np.float64(3.0)), step(np.float64(4.0))
    (<Success: (np.float64(9.0), np.float64(6.0))>, \
<Success: (np.float64(16.0), np.float64(8.0))>)
    """
    function_argument(function, "jit", "function")
    if engine != "numpy":
        raise ValueError(f"jit knows the engine 'numpy', not {short_repr(engine)}")
    check_argument("jit", "guards", guards, (False, True))
    check_argument("jit", "cache", cache, "count")
    check_argument("jit", "roll", roll, ("auto", False, True))
    names = [static_argnames] if isinstance(static_argnames, str) else static_argnames
    given = frozenset(items_of("jit", "static_argnames", names, str))
    static = places_of(function, given) if given else given
    return Jitted(function, static, cache, guards=guards, roll=roll)


def _remade(
    function: Any, static: frozenset[str], cache: int, guards: Any, roll: Roll
) -> Jitted[Any]:
    return Jitted(function, static, cache, guards=guards, roll=roll)


def _outputs(run: Runner, inputs: list[AnyArray]) -> list[Any] | int | str:
    """Run a plan: its outputs, the number of a check that failed, or what it raised."""
    with np.errstate(all="ignore"):
        try:
            return run(*inputs)
        except Exception as error:  # noqa: BLE001 - the function itself says what is wrong
            return f"the plan raised {type(error).__name__}"


def _why(keys: list[Key]) -> str:
    return differences(*keys[-2:]) if len(keys) > 1 else "outcomes of guards"


def _name(function: object) -> str:
    return getattr(function, "__qualname__", None) or short_repr(function)


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n:,} {what}s"
