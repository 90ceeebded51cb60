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
from tapem_dsl.interpreters.compiled.engines import Engine, NumpyEngine, check_jax
from tapem_dsl.interpreters.compiled.keys import (
    Eager,
    Key,
    differences,
    flags_of,
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
from tapem_dsl.interpreters.compiled.report import Compiled, name_of, report_of
from tapem_dsl.interpreters.compiled.returned import apart, rebuilding
from tapem_dsl.interpreters.compiled.rolling import Rolled, rolled
from tapem_dsl.program.checks import function_argument
from tapem_dsl.program.machine import LashRefused

# Any: a function of whatever arguments and result.
F = TypeVar("F", bound=Callable[..., Any])


Roll: TypeAlias = Literal["auto"] | bool
"""Whether repetitions are rolled up."""

# Any, below: arguments and results of whatever function is compiled.


@final
@dataclass(frozen=True, slots=True)
class Options:
    """How a function is compiled, whatever runs its plans."""

    static: frozenset[Any]
    """Names and places of arguments that are part of the key."""

    donated: frozenset[Any]
    """Names and places of arguments that may be overwritten."""

    cache: int
    guards: bool
    roll: Roll


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

    def __init__(self, function: F, engine: Engine, options: Options) -> None:
        self.function = function
        self._engine = engine
        self._arrays = engine.arrays
        self._options = options
        self._static = options.static
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
                key, inputs = key_of(args, kwargs, self._static, self._arrays)
            except Eager as reason:
                return self._run_eagerly(str(reason), args, kwargs)
            except Exception as error:  # noqa: BLE001 - of someone's __hash__, or depth
                reason = f"its key cannot be made: {type(error).__name__}"
                return self._run_eagerly(reason, args, kwargs)
            plans = self._plans.get(key, ())
            if plans and len(self._plans) > 1:
                self._used(key)
            for plan in plans:
                found = plan.run(*inputs)
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

    def _used(self, key: Key) -> None:
        """Note that a key was used last, if it is still there."""
        with self._lock:
            if key in self._plans:
                self._plans.move_to_end(key)

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
            key, _ = key_of(args, kwargs, self._static, self._arrays)
        except Eager:
            return ()  # they run as they are
        return tuple(compiled.plan for compiled in self._plans.get(key, ()))

    def report(self) -> str:
        """Say what was compiled, what was not, and why."""
        with self._lock:
            every = [x for plans in self._plans.values() for x in plans]
            eager = list(self._eager.items())
        return report_of(self.function, every, eager, self._runs)

    def __repr__(self) -> str:
        return f"jit({name_of(self.function)})"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Pickle the function; plans are made again where they are needed."""
        return Jitted, (self.function, self._engine, self._options)

    def _run_eagerly(
        self, reason: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        self._eager[reason] += 1
        return self._engine.run_eagerly(self.function, args, kwargs)

    def _note(
        self,
        key: Key,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        inputs: list[AnyArray],
    ) -> Any:
        """Run the function over noted inputs, and compile what it notes."""
        began = time.perf_counter()
        engine, options = self._engine, self._options
        plan = Plan(guards=options.guards, rolls=bool(options.roll))
        given = iter(map(engine.to_numpy, inputs))

        def noted(_: Any) -> Noted:
            value = next(given)
            return Noted(plan, plan.input(value), value)

        try:
            positional, named = with_inputs(
                args, kwargs, self._static, noted, self._arrays
            )
        except Exception:  # noqa: BLE001 - a record may refuse what it is made of
            reason = "a record among the arguments refuses noted values"
            return self._run_eagerly(reason, args, kwargs)
        try:
            with np.errstate(all="ignore"), engine.noting():
                result = self.function(*positional, **named)
            if plan.stopped is not None:
                raise plan.stopped
            leaves, structure, succeeded = apart(result, plan)
        except PreconditionFailed:
            return self._run_eagerly("a precondition failed", args, kwargs)
        except Eager as reason_why:
            return self._run_eagerly(str(reason_why), args, kwargs)
        except (ValueRead, ValueKept, LashRefused):
            raise
        except Exception as error:
            engine.run_eagerly(self.function, args, kwargs)  # raises if that does
            raise ValueRead from error
        finally:
            plan.close()
        rebuild = rebuilding(leaves, structure, succeeded=succeeded)
        outputs = [x for x in leaves if type(x) is Noted]
        try:
            with np.errstate(all="ignore"):  # literals are rounded
                found = self._rolled(plan, [x.slot for x in outputs])
                donated = self._donated(plan, args, kwargs)
                run = engine.lowered(found.plan, found.outputs, inputs, donated)
        except (TypeError, SyntaxError, RecursionError, MemoryError) as error:
            reason = f"its plan cannot be made: {error}"
            return self._run_eagerly(reason, args, kwargs)
        seconds = time.perf_counter() - began
        self._keep(
            key,
            Compiled(found.plan, plan.count(), found.report, run, rebuild, seconds),
        )
        # the first call gives the bits of later ones
        is_exact = found.plan is plan and engine.gives_noted_bits
        values = None if is_exact else run(*inputs)
        if not isinstance(values, list):
            values = [engine.from_noted(x.value, inputs) for x in outputs]
        return rebuild(values)

    def _donated(
        self, plan: Plan, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> list[Slot]:
        """Return the inputs of the arguments that the caller gives away."""
        names = self._options.donated
        if not names:
            return []
        flags = flags_of(args, kwargs, self._static, names, self._arrays)
        return [slot for slot, flag in zip(plan.inputs, flags, strict=True) if flag]

    def _rolled(self, plan: Plan, outputs: list[Slot]) -> Rolled:
        """Roll a plan up where that is asked for."""
        roll = self._options.roll
        if not roll or (roll == "auto" and len(plan.calls) < _ENOUGH):
            reason = f"it has fewer than {_ENOUGH} calls" * bool(roll)
            return Rolled(plan, outputs, [f"not rolled up: {reason}"] if reason else [])
        try:
            return rolled(plan, outputs, always=roll is True)
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
            while len(self._plans) > self._options.cache:
                self._plans.popitem(last=False)
            self._made += 1
            made = self._made
        if made == MANY:
            name = name_of(self.function)
            warnings.warn(
                f"jit has made {MANY} plans of {name}, for {_why(keys)}; "
                "each costs a run: pass what varies as an array, cut the data into "
                "equal shapes, or run it without jit (train.fit: engine=None)",
                stacklevel=3,
            )


MOST_OUTCOMES: Final = 8
"""How many outcomes of guards have plans of their own, for arguments of one key."""

MANY: Final = 8

_ENOUGH: Final = 256
"""From how many calls on a plan is rolled up, unless the caller decides."""


def jit(  # noqa: PLR0913 - by keyword, as in jax.jit
    function: F,
    *,
    engine: Literal["numpy", "xla"] = "numpy",
    static_argnames: str | Collection[str] = (),
    guards: bool = False,
    cache: int = 64,
    roll: Roll = "auto",
    checked: bool = True,
    donate_argnames: str | Collection[str] = (),
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
        engine: what runs plans: NumPy, or XLA through JAX, which the extra ``xla``
            installs. XLA takes arrays of NumPy, and returns such; or arrays of JAX,
            and leaves the results on their devices.
        static_argnames: arguments that Python code reads, such as a count.
        guards: whether Python code may read values; each outcome is a plan.
        roll: whether repetitions are rolled up: ``"auto"`` where a plan has 256 calls
            or more and an estimate says that it saves time.
        cache: for how many keys plans are kept; the one used longest ago goes first.
        checked: whether XLA computes the preconditions of the program, and waits for
            them. Unchecked, a result is wrong where one fails, so that programs with
            ``lash`` are refused, and so is ``guards=True``; an op that chooses its
            formula by values, such as ``layer_norm`` of rows that are almost constant,
            takes the one of the first call.
        donate_argnames: arguments whose arrays XLA may overwrite; unchecked only, for
            a failure is found by running the program on them.

    Fails with:
        As the function: where a plan finds that a precondition fails, the function
        itself runs.

    Raises:
        TypeError: Python code reads a value; from a call.
        ModuleNotFoundError: the engine is XLA, and JAX is not installed.

    Cost:
        The first call 20 us a call of the namespace; XLA compiles for a second or more.

    Source:
        Lean: none. JAX: ``jax.jit``.

    >>> from tapem_dsl import mul, value_and_grad
    >>> step = jit(value_and_grad(lambda x: mul(x, x)))
    >>> step(np.float64(3.0)), step(np.float64(4.0))
    (<Success: (np.float64(9.0), np.float64(6.0))>, \
<Success: (np.float64(16.0), np.float64(8.0))>)
    """
    function_argument(function, "jit", "function")
    check_argument("jit", "engine", engine, ("numpy", "xla"))
    check_argument("jit", "checked", checked, (False, True))
    check_argument("jit", "guards", guards, (False, True))
    check_argument("jit", "cache", cache, "count")
    check_argument("jit", "roll", roll, ("auto", False, True))
    static = _places(function, "static_argnames", static_argnames)
    donated = _places(function, "donate_argnames", donate_argnames)
    if engine == "numpy" and (donated or not checked):
        raise ValueError("jit: donate_argnames and checked=False are for engine='xla'")
    if guards and not checked:
        raise ValueError("jit: guards=True needs checked=True, for guards are checks")
    if donated and checked:
        raise ValueError(
            "jit: donate_argnames needs checked=False: where a check fails, the "
            "program runs again on its arguments, which donated ones do not survive"
        )
    options = Options(static, donated, cache, guards=guards, roll=roll)
    return Jitted(function, _engine(engine, checked=checked), options)


def _engine(name: str, *, checked: bool) -> Engine:
    if name == "numpy":
        return NumpyEngine()
    check_jax("engine='xla'")
    from tapem_dsl.interpreters.compiled.xla import XlaEngine  # noqa: PLC0415 - an extra

    return XlaEngine(checked=checked)


def _places(
    function: Callable[..., Any], what: str, names: str | Collection[str]
) -> frozenset[Any]:
    every = [names] if isinstance(names, str) else names
    given = frozenset(items_of("jit", what, every, str))
    return places_of(function, given, what) if given else given


def _why(keys: list[Key]) -> str:
    return differences(*keys[-2:]) if len(keys) > 1 else "outcomes of guards"
