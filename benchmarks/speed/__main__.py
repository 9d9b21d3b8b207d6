"""Compare the cost of pages. Run by hand, from the top folder:

python -m benchmarks.speed --quick
"""

import argparse
import asyncio
import time

from sqlalchemy import create_engine

from .pages import (
    OURS,
    OURS_PER_REQUEST,
    PER_REQUEST,
    PREBUILT,
    keyset_contenders,
    offset_contenders,
)
from .places import places_of
from .runner import measure
from .table import sqlite_with

QUICK_OFFSETS = range(50, 850, 50)


async def quick(rounds: int) -> None:
    """Print what a thread takes of its processor: what else runs on the machine shows less."""
    with sqlite_with(10_000) as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            places = places_of(connection, 10_000, list(QUICK_OFFSETS))
            for title, contenders in (
                ("keyset page", keyset_contenders(connection, places)),
                ("offset page and count", offset_contenders(connection, places)),
            ):
                times = await measure(contenders, rounds, time.thread_time)
                print(f"\n{title}, SQLite, 10,000 rows, {rounds} rounds: median (quartiles)")
                print(f"{'':55}{'us':>8}  {'/ prebuilt':22}{'/ per request':22}")
                for name in sorted(times.names, key=times.microseconds):
                    print(
                        f"{name:55}{times.microseconds(name):8.0f}  "
                        f"{times.ratio(name, PREBUILT)!s:22}{times.ratio(name, PER_REQUEST)!s:22}"
                    )
        engine.dispose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="SQLite and 10,000 rows alone")
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    asyncio.run(quick(options.rounds))
