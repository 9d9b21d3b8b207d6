"""Times contenders in turn, and says how they compare."""

import gc
import inspect
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

SEED = 20
Clock: TypeAlias = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do a piece of work: what is called, and what it is called with in turn.

    The call may return a coroutine. `cycles` is how often it takes all arguments in a measurement.
    """

    name: str
    call: Callable[[Any], Any]
    arguments: tuple[Any, ...]
    cycles: int = 1


@dataclass(frozen=True, slots=True)
class Ratio:
    """What one contender takes, as a multiple of another: median and quartiles of the rounds."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3f} ({self.low:.3f}-{self.high:.3f})"


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds per call of each contender, round by round."""

    rounds: Mapping[str, tuple[float, ...]]

    def microseconds(self, name: str) -> float:
        return statistics.median(self.rounds[name]) * 1e6

    def ratio(self, name: str, base: str) -> Ratio:
        """Compare within each round: what slows down the machine for a while, slows down both."""
        pairs = zip(self.rounds[name], self.rounds[base], strict=True)
        return ratio_of([one / other for one, other in pairs])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.rounds)


def ratio_of(ratios: Sequence[float]) -> Ratio:
    if len(ratios) < 2:
        return Ratio(ratios[0], ratios[0], ratios[0])
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Ratio(median, low, high)


async def measure(
    contenders: Sequence[Contender], rounds: int, clock: Clock = time.perf_counter
) -> Times:
    """Let all take turns, in each round in another order; the first round is not counted.

    Garbage is collected before each measurement and as usual within it, so that a contender pays
    for its own and for no other's. What lives when the first round is over is left out of that.
    """
    order = list(contenders)
    shuffled = random.Random(SEED)
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    gc.collect()
    gc.freeze()
    for number in range(rounds + 1):
        shuffled.shuffle(order)
        for contender in order:
            gc.collect()
            taken = await seconds_of(contender, clock)
            if number:
                seconds[contender.name].append(taken)
        if not number:
            gc.freeze()
    gc.unfreeze()
    return Times({name: tuple(taken) for name, taken in seconds.items()})


async def seconds_of(contender: Contender, clock: Clock) -> float:
    """Return the seconds that one call takes, on the average of all arguments."""
    call, arguments = contender.call, contender.arguments * contender.cycles
    if inspect.iscoroutinefunction(call):
        began = clock()
        for argument in arguments:
            await call(argument)
    else:
        began = clock()
        for argument in arguments:
            call(argument)
    return (clock() - began) / len(arguments)
