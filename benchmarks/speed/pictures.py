"""The plots of what was measured."""

from collections.abc import Iterator, Mapping

from . import pages
from .depths import by_depth, keyset, offset, uncounted
from .measured import Measured
from .plots import against_depth, bars
from .requests_compared import BY_HAND, OURS
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


def multiples(
    measured: Measured, kind: str, base: str, names: Mapping[str, str]
) -> dict[str, dict[str, float]]:
    """Return what contenders take as a multiple of one, by database, under shorter names."""
    return {
        DATABASES[group.database]: {
            short: group.times.ratio(name, base).median
            for name, short in names.items()
            if name in group.times.names
        }
        for group in measured.groups
        if group.kind == kind and group.rows == SMALL
    }


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
    below = f"time as a multiple of sqla-pages; 50 of {SMALL:,} rows, {title_of(measured)}"
    for kind, title, base, names in (
        ("keyset", "A keyset page", pages.OURS, PAGE_NAMES),
        ("offset", "An offset page with its count", pages.OURS, PAGE_NAMES),
        ("request, offset", "A whole request for an offset page", OURS, REQUEST_NAMES),
        ("request, cursor", "A whole request for a cursor page", OURS, REQUEST_NAMES),
    ):
        panels = multiples(measured, kind, base, names)
        if panels:
            yield kind.replace(", ", "-"), bars(title, below, panels)
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
