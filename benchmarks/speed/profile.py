"""Where time goes: of pages, whole requests and responses by samples, of imports by modules.

A timer interrupts the process at even distances of processor time. Each sample counts for the
innermost Python function that is running, C code for the one that called it: this hardly slows
anything down, as a tracing profiler would. Pages and responses are of SQLite, 10,000 rows; requests
are of asyncpg, so that one thread does all of the work.
"""

import asyncio
import inspect
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from types import FrameType
from typing import Any, TypeAlias

from sqlalchemy import make_url

from .imports import BASE, OURS, SOURCES
from .pages import (
    GUESSING,
    OURS_PER_REQUEST,
    PER_REQUEST,
    PREBUILT,
    keyset_contenders,
    offset_contenders,
)
from .pages import OURS as OUR_PAGES
from .places import places_of
from .requests_compared import applications, cursors_of, requests_of, responses_of
from .runner import Contender
from .table import LIMIT, postgresql_server, postgresql_with, sqlite_with
from .ways import way_to

INTERVAL = 0.0005
CALLS = 3_000
IMPORTS = 7
ROWS = 10_000
PAGES = (OUR_PAGES, OURS_PER_REQUEST, PREBUILT, GUESSING, PER_REQUEST)

Profile: TypeAlias = dict[str, dict[str, float]]
"""Microseconds by name of contender and part."""


@dataclass(frozen=True, slots=True)
class Part:
    """Functions of files with one of these in their path: all of them, or those that are named."""

    name: str
    paths: Sequence[str]
    functions: Collection[str] = ()

    def has(self, path: str, function: str) -> bool:
        is_named = not self.functions or function in self.functions
        return is_named and any(part in path for part in self.paths)


PARTS = (
    Part(
        "driver",
        ("/sqlalchemy/",),
        {"do_execute", "fetchall", "_raw_all_rows", "fetchmany", "cursor"},
    ),
    Part("driver", ("/asyncpg/", "/psycopg/", "/dialects/postgresql/asyncpg.py")),
    Part("cursor codec", ("/sqla_pages/cursor.py", "/sqla_pages/scalars.py", "/base64.py")),
    Part("validating the response", ("/sqla_pages/responses.py",)),
    Part("validating the response", ("/pydantic/",), {"validate_python"}),
    Part("writing JSON", ("/pydantic/",), {"dump_json", "dump_python"}),
    Part("models", ("/sqla_pages/models.py", "/pydantic/")),
    Part("sqla_pages", ("/sqla_pages/",)),
    Part("sqla_session", ("/sqla_session/",)),
    Part("other library", ("/fastapi_pagination/", "/fastapi_sqla/", "/sqlakeyset/")),
    Part("hand-written", ("/benchmarks/",)),
    Part("FastAPI", ("/fastapi/", "/starlette/", "/anyio/")),
    Part("attributes of objects", ("/orm/attributes.py",)),
    Part("objects", ("/orm/loading.py", "/orm/strategies.py", "/orm/state.py", "/orm/identity.py")),
    Part("session", ("/sqlalchemy/orm/", "/sqlalchemy/ext/asyncio/")),
    Part("building and cache keys", ("/sqlalchemy/sql/",)),
    Part("executing", ("/sqlalchemy/",)),
    Part("event loop", ("/asyncio/", "/selectors.py")),
)
"""In the order that they are looked for in."""


def part_of(frame: FrameType | None) -> str:
    """Return the part that a function belongs to, or the one that called it."""
    while frame is not None:
        path, function = frame.f_code.co_filename, frame.f_code.co_name
        for part in PARTS:
            if part.has(path, function):
                return part.name
        frame = frame.f_back
    return "others"


async def sampled(contender: Contender, calls: int = CALLS) -> dict[str, float]:
    """Return the microseconds of a call by part, and what of them was spent waiting."""
    seen: Counter[str] = Counter()

    def sample(number: int, frame: FrameType | None) -> None:
        seen[part_of(frame)] += 1

    arguments = contender.arguments * max(1, calls // len(contender.arguments))
    is_async = inspect.iscoroutinefunction(contender.call)
    for argument in arguments[:10]:
        _ = (await contender.call(argument)) if is_async else contender.call(argument)
    before: Any = signal.signal(signal.SIGPROF, sample)
    began, began_by_clock = time.thread_time(), time.perf_counter()
    signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
    for argument in arguments:
        _ = (await contender.call(argument)) if is_async else contender.call(argument)
    signal.setitimer(signal.ITIMER_PROF, 0)
    # The system may round the interval up: the samples have the shares, the clock has the sum.
    taken = (time.thread_time() - began) / len(arguments) * 1e6
    by_clock = (time.perf_counter() - began_by_clock) / len(arguments) * 1e6
    signal.signal(signal.SIGPROF, before)
    parts = {part: taken * count / seen.total() for part, count in seen.most_common()}
    return {**parts, "waiting": by_clock - taken}


async def profiles_of(
    contenders: Iterable[Contender], names: Collection[str] = (), calls: int = CALLS
) -> Profile:
    chosen = [one for one in contenders if not names or one.name in names]
    return {one.name: await sampled(one, calls) for one in chosen}


async def pages_and_responses() -> dict[str, Profile]:
    with sqlite_with(ROWS) as url:
        async with way_to(url) as way:
            offsets = range(50, 850, 50)
            places = await way.on_connection(partial(places_of, rows=ROWS, offsets=offsets))
            return {
                "keyset": await profiles_of(await keyset_contenders(way, places), PAGES),
                "offset": await profiles_of(await offset_contenders(way, places), PAGES),
                "response": await profiles_of(await way.on_connection(responses_of)),
            }


async def requests() -> dict[str, Profile]:
    with postgresql_server() as server, postgresql_with(server, ROWS) as url:
        own = make_url(url).set(drivername="postgresql+asyncpg")
        async with way_to(own) as way:
            found = await way.on_connection(partial(places_of, rows=ROWS, offsets=[LIMIT]))
            (place,) = found.all
            cursors = await way.on_connection(partial(cursors_of, place=place))
        async with applications(own) as made:
            compared = (await requests_of(made, place, cursors)).contenders
            return {
                f"request, {kind}": await profiles_of(compared[kind], calls=CALLS // 4)
                for kind in ("offset", "cursor")
            }


# Imports.

COUNTED = """
import fastapi, sqlalchemy, sqlalchemy.orm
import dataclasses
from time import process_time
from pydantic._internal._model_construction import ModelMetaclass

taken = {{"dataclasses": 0.0, "models": 0.0}}

def timed(name, function):
    def call(*arguments, **options):
        began = process_time()
        try:
            return function(*arguments, **options)
        finally:
            taken[name] += process_time() - began
    return call

dataclasses._process_class = timed("dataclasses", dataclasses._process_class)
ModelMetaclass.__new__ = timed("models", ModelMetaclass.__new__)
{}
print(*taken.values())
"""


def microseconds_of_modules(source: str) -> dict[str, float]:
    """Return what each module takes by itself, those left aside that it imports."""
    command = [sys.executable, "-X", "importtime", "-c", source]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    lines = [line.removeprefix("import time:").split("|") for line in told.splitlines()]
    return {line[2].strip(): float(line[0]) for line in lines if line[0].strip().isdigit()}


def imported() -> dict[str, float]:
    """Return the microseconds that ours adds to the imports, by where they are spent."""
    base, ours = (microseconds_of_modules(SOURCES[name]) for name in (BASE, OURS))
    parts: Counter[str] = Counter()
    for module, taken in ours.items():
        if module not in base:
            top = module.partition(".")[0]
            parts[top if top in ("sqla_pages", "sqla_session", "sqlmodel") else "others"] += taken
    command = [sys.executable, "-c", COUNTED.format(SOURCES[OURS])]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    dataclasses, models = (float(number) * 1e6 for number in told.split())
    return {**parts, "of these, dataclasses": dataclasses, "of these, models": models}


def imports() -> Profile:
    imported()
    runs = [imported() for _ in range(IMPORTS)]
    return {OURS: {part: median(run.get(part, 0) for run in runs) for part in runs[0]}}


def measure_profiles() -> Mapping[str, Profile]:
    """Return the microseconds of each part, by kind and name of contender."""
    return {
        **asyncio.run(pages_and_responses()),
        **asyncio.run(requests()),
        "import": imports(),
    }
