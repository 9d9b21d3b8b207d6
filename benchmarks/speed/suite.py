"""The whole run: each part of it on each database."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import URL, text

from .depths import depth_contenders
from .imports import measure_imports
from .measured import Group, Measured
from .pages import codec_contenders, keyset_contenders, offset_contenders
from .places import places_of
from .requests_compared import applications, cursors_of, requests_of, responses_of
from .runner import Contender, measure
from .table import LIMIT, postgresql_server, postgresql_with, sqlite_with
from .ways import Way, way_to

SMALL, LARGE = 10_000, 1_000_000
SQLITE, PSYCOPG = "sqlite+pysqlite", "postgresql+psycopg"
DRIVERS = (SQLITE, PSYCOPG, "postgresql+psycopg2", "postgresql+asyncpg")
REQUEST_DRIVERS = (SQLITE, "sqlite+aiosqlite", PSYCOPG, "postgresql+asyncpg")
LARGE_ROUNDS, DEPTH_ROUNDS = 7, 5
"""Of what counts a million rows, which takes as long as a thousand pages."""
PARTS = ("pages", "depths", "requests", "responses", "imports")


@dataclass(frozen=True, slots=True)
class Run:
    """What to measure, how often, by which clock, and where it is put."""

    measured: Measured
    parts: Sequence[str]
    drivers: Sequence[str]
    sizes: Sequence[int]
    rounds: int
    by_processor: bool = False

    async def take(
        self,
        kind: str,
        driver: str,
        rows: int,
        contenders: Iterable[Contender],
        rounds: int,
    ) -> None:
        # A server's time is not the processor time of this process.
        by_processor = self.by_processor and not driver.startswith("postgresql")
        clock = time.process_time if by_processor else time.perf_counter
        times = await measure(list(contenders), rounds, clock)
        self.measured.add(Group(kind, driver, rows, times, by_processor))
        self.measured.write()
        print(f"{kind}, {driver}, {rows:,} rows: {len(times.names)} contenders", flush=True)


async def run(run: Run) -> None:
    if "imports" in run.parts:
        run.measured.add(Group("import", "", 0, measure_imports(max(5, run.rounds // 3))))
    for rows in run.sizes:
        if SQLITE in run.drivers:
            with sqlite_with(rows) as url:
                await on_database(run, url, rows)
        if any(driver.startswith("postgresql") for driver in run.drivers):
            with postgresql_server() as server, postgresql_with(server, rows) as url:
                await on_database(run, url, rows)
    run.measured.write()


async def on_database(run: Run, url: URL, rows: int) -> None:
    name = url.get_backend_name()
    for driver in run.drivers:
        if driver.startswith(name):
            async with way_to(url.set(drivername=driver)) as way:
                await on_way(run, way, driver, rows)
    if "requests" in run.parts and rows == SMALL:
        for driver in REQUEST_DRIVERS:
            if driver.startswith(name):
                await whole_requests(run, url, driver)


async def on_way(run: Run, way: Way, driver: str, rows: int) -> None:
    if driver in (SQLITE, PSYCOPG):
        version = "select sqlite_version()" if driver == SQLITE else "SHOW server_version"
        run.measured.environment[driver.split("+")[0]] = str(
            await way.on_connection(lambda connection: connection.scalar(text(version)))
        )
    if "pages" in run.parts:
        spread = [rows * part // 17 for part in range(1, 17)]
        places = await way.on_connection(partial(places_of, rows=rows, offsets=spread))
        await run.take("keyset", driver, rows, await keyset_contenders(way, places), run.rounds)
        near, rounds = (range(50, 850, 50), run.rounds) if rows == SMALL else ((50,), LARGE_ROUNDS)
        places = await way.on_connection(partial(places_of, rows=rows, offsets=near))
        await run.take("offset", driver, rows, await offset_contenders(way, places), rounds)
    if "depths" in run.parts and rows == LARGE and driver in (SQLITE, PSYCOPG):
        await run.take("depth", driver, rows, await depth_contenders(way, rows), DEPTH_ROUNDS)
    if "responses" in run.parts and rows == SMALL and driver == SQLITE:
        responses = await way.on_connection(responses_of)
        near = range(50, 850, 50)
        places = await way.on_connection(partial(places_of, rows=rows, offsets=near))
        await run.take("cursor", "", 0, codec_contenders(places), run.rounds)
        await run.take("response", "", 0, responses, run.rounds)


async def whole_requests(run: Run, url: URL, driver: str) -> None:
    own = url.set(drivername=driver)
    async with way_to(own) as way:
        (place,) = (await way.on_connection(partial(places_of, rows=SMALL, offsets=[LIMIT]))).all
        cursors = await way.on_connection(partial(cursors_of, place=place))
    async with applications(own) as made:
        found = await requests_of(made, place, cursors)
        run.measured.hops[driver] = {kind: dict(hops) for kind, hops in found.hops.items()}
        for kind, contenders in found.contenders.items():
            await run.take(f"request, {kind}", driver, SMALL, contenders, run.rounds)
