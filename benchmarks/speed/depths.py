"""Pages at one depth of a large table: what a page costs when much lies before it."""

from functools import partial

from .pages import (
    OURS,
    PREBUILT,
    keyset_contenders,
    offset_contenders,
)
from .places import places_of
from .runner import Contender
from .ways import Way

DEPTHS = (50, 1_000, 10_000, 100_000, 300_000, 990_000)
KEYSET_NAMES = (OURS, PREBUILT, "sqlakeyset", "fastapi-pagination", "fastapi-pagination, no total")
OFFSET_NAMES = (OURS, PREBUILT, "fastapi-sqla", "fastapi-pagination")


def keyset(name: str) -> str:
    return f"cursor page: {name}"


def offset(name: str) -> str:
    return f"offset page and count: {name}"


async def depth_contenders(way: Way, rows: int, depth: int) -> list[Contender]:
    """Return the pages by cursor and by offset, all at this depth."""
    places = await way.on_connection(partial(places_of, rows=rows, offsets=[depth]))
    by_cursor = {one.name: one for one in await keyset_contenders(way, places)}
    by_offset = {one.name: one for one in await offset_contenders(way, places)}
    return [
        *(renamed(by_cursor[name], keyset(name)) for name in KEYSET_NAMES if name in by_cursor),
        *(renamed(by_offset[name], offset(name)) for name in OFFSET_NAMES if name in by_offset),
    ]


def renamed(contender: Contender, name: str) -> Contender:
    return Contender(name, contender.call, contender.arguments, contender.cycles)
