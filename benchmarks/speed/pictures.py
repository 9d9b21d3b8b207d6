"""The plots of what was measured."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from . import pages
from .depths import by_depth, keyset, offset, uncounted
from .measured import Measured
from .plots import against_depth, bars
from .requests_compared import BY_HAND, OURS
from .runner import Times
from .suite import LARGE, PSYCOPG, SMALL, SQLITE

DATABASES = {
    SQLITE: "SQLite",
    "sqlite+aiosqlite": "SQLite, aiosqlite",
    PSYCOPG: "PostgreSQL, psycopg",
    "postgresql+psycopg2": "PostgreSQL, psycopg2",
    "postgresql+asyncpg": "PostgreSQL, asyncpg",
    "": "no database",
}


def title_of(measured: Measured) -> str:
    return f"SQLAlchemy {measured.environment['sqlalchemy']}"


def depths(measured: Measured, driver: str) -> dict[str, dict[int, float]]:
    """Return milliseconds, by contender and rows before the page."""
    group = measured.find("depth", driver, LARGE)
    return by_depth(group.times) if group else {}


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of one kind of contender: time as a multiple of the base, or its rate as one."""

    kind: str
    title: str
    note: str
    base: str
    is_rate: bool = False


def multiples(
    measured: Measured, chart: Chart, names: Mapping[str, str]
) -> dict[str, dict[str, float]]:
    """Return the bars of a chart, by database, under shorter names."""
    return {
        DATABASES[group.database]: {
            short: ratio_in(chart, group.times, name)
            for name, short in names.items()
            if name in group.times.names
        }
        for group in measured.groups
        if group.kind == chart.kind and group.rows == SMALL and chart.base in group.times.names
    }


def ratio_in(chart: Chart, times: Times, name: str) -> float:
    one, other = (chart.base, name) if chart.is_rate else (name, chart.base)
    return times.ratio(one, other).median


CHARTS = (
    Chart("keyset", "A keyset page", "time as a multiple of sqla-pages", pages.OURS),
    Chart(
        "offset", "An offset page with its count", "time as a multiple of sqla-pages", pages.OURS
    ),
    Chart(
        "request, offset",
        "Whole requests for an offset page with its count",
        "requests per second as a multiple of a hand-written endpoint: longer is better",
        BY_HAND,
        is_rate=True,
    ),
    Chart(
        "request, cursor",
        "Whole requests for a cursor page",
        "requests per second as a multiple of fastapi-pagination: longer is better",
        "fastapi-pagination",
        is_rate=True,
    ),
)
PAGE_NAMES = {
    pages.PREBUILT: "hand-written, prebuilt",
    pages.OURS: "sqla-pages",
    pages.OURS_PER_REQUEST: "sqla-pages, per request",
    pages.PER_REQUEST: "hand-written, per request",
    "sqlakeyset": "sqlakeyset",
    "fastapi-sqla": "fastapi-sqla",
    "fastapi-pagination, no total": "fastapi-pagination, no total",
    "fastapi-pagination": "fastapi-pagination",
}
REQUEST_NAMES = {
    BY_HAND: BY_HAND,
    OURS: "sqla-pages",
    "fastapi-sqla": "fastapi-sqla",
    "fastapi-pagination": "fastapi-pagination",
}


def plots(measured: Measured) -> Iterator[tuple[str, str]]:
    """Yield the name and the picture of each plot."""
    for chart in CHARTS:
        names = REQUEST_NAMES if chart.is_rate else PAGE_NAMES
        panels = multiples(measured, chart, names)
        if panels:
            note = f"{chart.note}; 50 of {SMALL:,} rows"
            yield chart.kind.replace(", ", "-"), bars(chart.title, note, panels)
    for driver, name in ((SQLITE, "sqlite"), (PSYCOPG, "postgresql")):
        lines = depths(measured, driver)
        if lines:
            title = f"A page of 50 against its depth, {DATABASES[driver]}"
            note = f"{LARGE:,} rows; solid by cursor, dashed by offset with a count, dotted without"
            yield f"depth-{name}", against_depth(title, note, short_names(lines))


def short_names(lines: Mapping[str, Mapping[int, float]]) -> dict[str, Mapping[int, float]]:
    drawn = {
        keyset(pages.OURS): "cursor, sqla-pages",
        keyset(pages.PREBUILT): "cursor, hand-written",
        keyset("sqlakeyset"): "cursor, sqlakeyset",
        keyset("fastapi-pagination, no total"): "cursor, fastapi-pagination",
        uncounted(pages.PREBUILT): "offset, hand-written, no count",
        uncounted(pages.OURS): "offset, sqla-pages, no count",
        offset(pages.OURS): "offset, sqla-pages",
        offset(pages.PREBUILT): "offset, hand-written",
        offset("fastapi-sqla"): "offset, fastapi-sqla",
        offset("fastapi-pagination"): "offset, fastapi-pagination",
    }
    return {short: lines[name] for name, short in drawn.items() if name in lines}
