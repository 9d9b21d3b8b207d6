"""Where the time of a page goes: by parts of SQLAlchemy and of sqla_pages, by samples.

A timer interrupts the process at even distances of processor time. Each sample counts for the
innermost Python function that is running, C code for the one that called it: this hardly slows
anything down, as a tracing profiler would. SQLite, 10,000 rows.
"""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from types import FrameType
from typing import Any

from .pages import (
    GUESSING,
    OURS,
    OURS_PER_REQUEST,
    PER_REQUEST,
    PREBUILT,
    keyset_contenders,
    offset_contenders,
)
from .places import places_of
from .runner import Contender
from .table import sqlite_with
from .ways import way_to

INTERVAL = 0.0005
CALLS = 3_000
PARTS: Sequence[tuple[str, Sequence[str]]] = (
    ("cursor codec", ("/sqla_pages/cursor.py", "/sqla_pages/scalars.py", "/base64.py", "/json/")),
    ("sqla_pages, models", ("/sqla_pages/models.py", "/pydantic/")),
    ("sqla_pages", ("/sqla_pages/",)),
    ("hand-written", ("/benchmarks/",)),
    ("objects", ("/orm/loading.py", "/orm/strategies.py", "/orm/state.py", "/orm/identity.py")),
    ("session", ("/sqlalchemy/orm/",)),
    ("building and cache keys", ("/sqlalchemy/sql/",)),
    ("executing", ("/sqlalchemy/engine/", "/sqlalchemy/dialects/", "/sqlalchemy/")),
)
"""In the order that they are looked for in: a part, and what the path of a file has."""
DRIVER = "driver"
DRIVER_FUNCTIONS = {"do_execute", "fetchall", "_raw_all_rows", "fetchmany", "cursor"}
NAMES = (OURS, OURS_PER_REQUEST, PREBUILT, GUESSING, PER_REQUEST)


def part_of(frame: FrameType | None) -> str:
    """Return the part that a function belongs to, or the one that called it."""
    while frame is not None:
        code = frame.f_code
        if code.co_name in DRIVER_FUNCTIONS and "/sqlalchemy/" in code.co_filename:
            return DRIVER
        for part, paths in PARTS:
            if any(path in code.co_filename for path in paths):
                return part
        frame = frame.f_back
    return "others"


def sampled(contender: Contender, calls: int = CALLS) -> dict[str, float]:
    """Return the microseconds of a call by part."""
    seen: Counter[str] = Counter()

    def sample(number: int, frame: FrameType | None) -> None:
        seen[part_of(frame)] += 1

    before: Any = signal.signal(signal.SIGPROF, sample)
    arguments = contender.arguments * (calls // len(contender.arguments))
    began = time.thread_time()
    signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
    for argument in arguments:
        contender.call(argument)
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)
    # The system may round the interval up: the samples have the shares, the clock has the sum.
    taken = (time.thread_time() - began) / len(arguments) * 1e6
    return {part: taken * count / seen.total() for part, count in seen.most_common()}


async def profiles(kind: str) -> dict[str, dict[str, float]]:
    with sqlite_with(10_000) as url:
        async with way_to(url) as way:
            offsets = range(50, 850, 50)
            places = await way.on_connection(partial(places_of, rows=10_000, offsets=offsets))
            make = keyset_contenders if kind == "keyset" else offset_contenders
            made = await make(way, places)
            return {one.name: sampled(one) for one in made if one.name in NAMES}


def measure_profiles() -> dict[str, dict[str, dict[str, float]]]:
    """Return the microseconds of each part, by kind of page and name of contender."""
    return {kind: asyncio.run(profiles(kind)) for kind in ("keyset", "offset")}
