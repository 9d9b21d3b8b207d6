"""What pages cost, beside hand-written SQLAlchemy and other libraries. Run by hand, from the top
folder, in an environment with the drivers and `benchmarks/requirements.txt`:

    python -m benchmarks.speed                  everything that is timed: half an hour
    python -m benchmarks.speed --quick          pages on SQLite, 10,000 rows: half a minute
    python -m benchmarks.speed --instructions   and what valgrind counts: ten minutes
    python -m benchmarks.speed --profile        and where the time goes: a minute
    python -m benchmarks.speed --memory         and what is held: ten minutes
    python -m benchmarks.speed --processor      by processor time where no server takes part, on a
                                                machine that has other work
    python -m benchmarks.speed --report         the report alone, of what was measured before

Contenders take turns, in another order in each round; compared is what they took in the same round.
What is measured is kept in benchmarks/measured, for each version of SQLAlchemy, and the report,
benchmarks/SPEED.md with its plots, is of all that is kept: run it in two environments for both.
A library that is not installed is left out.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from functools import partial

from . import report, suite
from .measured import of_this_environment
from .pages import PER_REQUEST, PREBUILT, keyset_contenders, offset_contenders
from .places import places_of
from .runner import measure
from .table import sqlite_with
from .ways import way_to


async def quick(rounds: int, rows: int = suite.SMALL, places: int = 16) -> None:
    """Print what a thread takes of its processor: what else runs on the machine shows less."""
    with sqlite_with(rows) as url:
        async with way_to(url) as way:
            offsets = [50 * number for number in range(1, places + 1)]
            found = await way.on_connection(partial(places_of, rows=rows, offsets=offsets))
            for title, contenders in (
                ("keyset page", await keyset_contenders(way, found)),
                ("offset page and count", await offset_contenders(way, found)),
            ):
                times = await measure(contenders, rounds, time.thread_time)
                print(f"\n{title}, SQLite, {rows:,} rows, {rounds} rounds: median (quartiles)")
                print(f"{'':55}{'us':>8}  {'/ prebuilt':22}{'/ per request':22}")
                for name in sorted(times.names, key=times.microseconds):
                    print(
                        f"{name:55}{times.microseconds(name):8.0f}  "
                        f"{times.ratio(name, PREBUILT)!s:22}{times.ratio(name, PER_REQUEST)!s:22}"
                    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--processor", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--parts", nargs="*", choices=suite.PARTS, default=suite.PARTS)
    parser.add_argument("--drivers", nargs="+", choices=suite.DRIVERS, default=suite.DRIVERS)
    parser.add_argument("--sizes", nargs="+", type=int, default=(suite.SMALL, suite.LARGE))
    options = parser.parse_args(arguments)
    if options.quick:
        asyncio.run(quick(options.rounds))
        return
    measured = of_this_environment()
    if not options.report:
        asyncio.run(
            suite.run(
                suite.Run(
                    measured,
                    options.parts,
                    options.drivers,
                    options.sizes,
                    options.rounds,
                    options.processor,
                )
            )
        )
    if options.instructions:
        from .instructions import count_instructions

        measured.instructions = count_instructions()
        measured.write()
    if options.profile:
        from .profile import measure_profiles

        measured.profiles = measure_profiles()
        measured.write()
    if options.memory:
        from .memory import measure_memory

        measured.memory = measure_memory()
        measured.write()
    report.write()


if __name__ == "__main__":
    main()
