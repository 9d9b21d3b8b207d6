"""Pages at several depths of a large table: what a page costs when much lies before it."""

from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from sqla_pages import NoCount, async_offset_page, offset_page

from .by_hand import AT_OFFSET
from .pages import OURS, PREBUILT, keyset_contenders, offset_contenders
from .places import places_of
from .runner import Contender, Times
from .table import LIMIT, ORDERED
from .ways import Way

DEPTHS = (50, 1_000, 10_000, 100_000, 300_000, 990_000)
KEYSET_NAMES = (OURS, PREBUILT, "sqlakeyset", "fastapi-pagination, no total")
OFFSET_NAMES = (OURS, PREBUILT, "fastapi-sqla", "fastapi-pagination")


def keyset(name: str) -> str:
    return f"cursor page: {name}"


def offset(name: str) -> str:
    return f"offset page and count: {name}"


def uncounted(name: str) -> str:
    return f"offset page alone: {name}"


def by_hand_uncounted(session: Session, offset: int) -> Any:
    return session.scalars(AT_OFFSET, {"offset": offset}).all()


def our_uncounted(session: Session, offset: int) -> Any:
    return offset_page(session, ORDERED, offset=offset, limit=LIMIT, count=NoCount())


async def our_uncounted_async(session: Any, offset: int) -> Any:
    return await async_offset_page(session, ORDERED, offset=offset, limit=LIMIT, count=NoCount())


async def depth_contenders(way: Way, rows: int) -> list[Contender]:
    """Return the pages by cursor and by offset at each depth, to be measured beside each other."""
    made: list[Contender] = []
    ours = our_uncounted_async if way.is_async else our_uncounted
    for depth in DEPTHS:
        places = await way.on_connection(partial(places_of, rows=rows, offsets=[depth]))
        by_cursor = {one.name: one for one in await keyset_contenders(way, places)}
        by_offset = {one.name: one for one in await offset_contenders(way, places)}
        at_depth = {
            **{
                keyset(name): replace(by_cursor[name], cycles=10)
                for name in KEYSET_NAMES
                if name in by_cursor
            },
            **{offset(name): by_offset[name] for name in OFFSET_NAMES if name in by_offset},
            uncounted(PREBUILT): Contender("", way.by_session(by_hand_uncounted), (depth,)),
            uncounted(OURS): Contender("", way.by_session(ours), (depth,)),
        }
        made += [replace(one, name=f"{name} @ {depth}") for name, one in at_depth.items()]
    return made


def by_depth(times: Times) -> dict[str, dict[int, float]]:
    """Return milliseconds, by name and rows before the page."""
    lines: dict[str, dict[int, float]] = {}
    for full_name in times.names:
        name, _, depth = full_name.rpartition(" @ ")
        lines.setdefault(name, {})[int(depth)] = times.microseconds(full_name) / 1000
    return lines
