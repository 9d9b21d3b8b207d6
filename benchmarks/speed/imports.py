"""The time of imports, each in a process of its own."""

import subprocess
import sys

from .runner import Times

BASE = "fastapi, sqlalchemy and its orm"
OURS = "the same with sqla_pages and sqla_session"
ALL = "the same with all names of both"

SOURCES = {
    BASE: "import fastapi, sqlalchemy, sqlalchemy.orm",
    OURS: "import fastapi, sqlalchemy, sqlalchemy.orm\n"
    "from sqla_pages import CursorPage, CursorPaginate, Page, Paginate\n"
    "from sqla_session import Session, setup",
    ALL: "import fastapi, sqlalchemy, sqlalchemy.orm\n"
    "from sqla_pages import *\n"
    "from sqla_session import *",
}
TIMED = """
from time import perf_counter
began = perf_counter()
{}
print(perf_counter() - began)
"""


def seconds(source: str) -> float:
    command = [sys.executable, "-c", TIMED.format(source)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure_imports(rounds: int) -> Times:
    """Let all take turns; the first round, which may compile, is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in SOURCES}
    for number in range(rounds + 1):
        for name in sorted(SOURCES, reverse=number % 2 == 1):
            found = seconds(SOURCES[name])
            if number:
                taken[name].append(found)
    return Times({name: tuple(found) for name, found in taken.items()})
