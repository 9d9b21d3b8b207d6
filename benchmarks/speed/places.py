"""Where pages begin, and what is on them: what every contender is asked, and must answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from sqla_pages import CursorCodec, cursor_page

from .table import LIMIT, ORDERED, Item

CODEC = CursorCodec(secrets=["a secret that the benchmark signs with"])


@dataclass(frozen=True, slots=True)
class Place:
    """A row, of which `offset` rows are before the next: keys, and the ids of the page after it."""

    offset: int
    created_at: datetime
    id: int
    expected: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """What the pages of one run begin after, and the cursors that sqla_pages makes of it."""

    rows: int
    all: tuple[Place, ...]
    cursors: Mapping[Place, str]


def places_of(connection: Connection, rows: int, offsets: Sequence[int]) -> Places:
    """Look up the rows that pages begin after. Offsets are 1 or more."""
    found: list[Place] = []
    for offset in offsets:
        keys = select(Item.created_at, Item.id).order_by(Item.created_at, Item.id)
        ((created_at, id_), *page) = connection.execute(
            keys.offset(offset - 1).limit(LIMIT + 1)
        ).all()
        found.append(Place(offset, created_at, id_, tuple(row.id for row in page)))
    return Places(rows, tuple(found), cursors_of(connection, found))


def cursors_of(connection: Connection, places: Sequence[Place]) -> dict[Place, str]:
    """Return cursors of places that are too deep to be walked to, made from one that was given."""
    with Session(connection) as session:
        given = cursor_page(session, ORDERED, limit=1, codec=CODEC).meta.next_cursor
    assert given is not None
    cursor = CODEC.decode(given)
    assert cursor.keyset is not None
    as_text = isinstance(cursor.keyset[0], str)
    return {
        place: CODEC.encode(
            replace(
                cursor,
                keyset=(
                    place.created_at.isoformat(" ", "microseconds")
                    if as_text
                    else place.created_at,
                    place.id,
                ),
            )
        )
        for place in places
    }


def ids_of(answer: Any) -> tuple[int, ...]:
    """Return the ids of the rows of an answer, whichever contender gave it."""
    for name in ("data", "items"):
        if isinstance(getattr(answer, name, None), list):
            answer = getattr(answer, name)
    if isinstance(answer, tuple) and isinstance(answer[0], list):
        answer = answer[0]
    return tuple(getattr(row, "id", None) or id_within(row) for row in answer)


def id_within(row: Any) -> int:
    return row[0] if isinstance(row[0], int) else row[0].id
