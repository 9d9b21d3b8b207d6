"""Pages as one would write them by hand: what sqla_pages is held against.

Keyset pages come in three honesties: those that "answer the same" read one row more than the page
and look for one behind it, so that both links are facts; those that "guess" give a previous link
wherever a cursor was given. Cursors are decoded and encoded by the codec of sqla_pages.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnClause,
    Connection,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.orm import Session

from sqla_pages import CursorCodec
from sqla_pages.cursor import Cursor, Direction

from .places import Place
from .table import LIMIT, Item, ordered, passing

TABLE = Item.__table__
ONE: ColumnClause[int] = literal_column("1")
KEYS = tuple_(Item.created_at, Item.id)
AFTER = tuple_(
    bindparam("created_at", type_=Item.created_at.type), bindparam("id", type_=Item.id.type)
)
BACKWARD = (Item.created_at.desc(), Item.id.desc())
BEHIND = select(ONE).where(KEYS <= AFTER).order_by(*BACKWARD).limit(1).scalar_subquery()

GUESSING = ordered().where(KEYS > AFTER).limit(LIMIT + 1)
ANSWERING = (
    select(Item, BEHIND.label("behind"))
    .where(KEYS > AFTER)
    .order_by(Item.created_at, Item.id)
    .limit(LIMIT + 1)
)
CORE = (
    select(TABLE, BEHIND.label("behind"))
    .where(KEYS > AFTER)
    .order_by(TABLE.c.created_at, TABLE.c.id)
    .limit(LIMIT + 1)
)
AT_OFFSET = ordered().limit(LIMIT).offset(bindparam("offset"))
CORE_AT_OFFSET = (
    select(TABLE).order_by(TABLE.c.created_at, TABLE.c.id).limit(LIMIT).offset(bindparam("offset"))
)
COUNT = select(func.count()).select_from(Item)


class Links:
    """Makes and reads the cursors of hand-written pages."""

    def __init__(self, codec: CursorCodec, given: str) -> None:
        self.codec = codec
        self.fingerprint = codec.decode(given).fingerprint

    def keys(self, cursor: str) -> dict[str, Any]:
        read = self.codec.decode(cursor)
        assert read.fingerprint == self.fingerprint
        assert read.keyset is not None
        created_at, id_ = read.keyset
        return {"created_at": created_at, "id": id_}

    def after(self, place: Place) -> str:
        """Return the cursor of a place."""
        return self._link("after", place)

    def of(self, items: Sequence[Any], has_next: bool, has_previous: bool) -> tuple[Any, Any]:
        return (
            self._link("after", items[-1]) if has_next else None,
            self._link("before", items[0]) if has_previous else None,
        )

    def _link(self, direction: Direction, item: Any) -> str:
        return self.codec.encode(Cursor(direction, self.fingerprint, (item.created_at, item.id)))


class KeysetByHand:
    """The pages after a cursor."""

    def __init__(self, links: Links) -> None:
        self.links = links

    def prebuilt(self, session: Session, cursor: str) -> Any:
        return self._answered(session.execute(ANSWERING, self.links.keys(cursor)).all())

    def prebuilt_guessing(self, session: Session, cursor: str) -> Any:
        return self._guessed(session.scalars(GUESSING, self.links.keys(cursor)).all())

    def per_request(self, session: Session, cursor: str) -> Any:
        return self._built(session, cursor)

    def per_request_filtered(self, session: Session, cursor: str) -> Any:
        return self._built(session, cursor, passing())

    def _built(self, session: Session, cursor: str, *filters: Any) -> Any:
        keys = self.links.keys(cursor)
        after = tuple_(literal(keys["created_at"]), literal(keys["id"]))
        behind = select(ONE).where(*filters, after >= KEYS)
        behind = behind.order_by(*BACKWARD).limit(1)
        statement = (
            select(Item, behind.scalar_subquery().label("behind"))
            .where(*filters, tuple_(Item.created_at, Item.id) > after)
            .order_by(Item.created_at, Item.id)
            .limit(LIMIT + 1)
        )
        return self._answered(session.execute(statement).all())

    def per_request_guessing(self, session: Session, cursor: str) -> Any:
        keys = self.links.keys(cursor)
        after = tuple_(literal(keys["created_at"]), literal(keys["id"]))
        statement = (
            select(Item)
            .where(tuple_(Item.created_at, Item.id) > after)
            .order_by(Item.created_at, Item.id)
            .limit(LIMIT + 1)
        )
        return self._guessed(session.scalars(statement).all())

    def core(self, connection: Connection, cursor: str) -> Any:
        rows = connection.execute(CORE, self.links.keys(cursor)).all()
        items = rows[:LIMIT]
        return items, *self.links.of(items, len(rows) > LIMIT, rows[0].behind is not None)

    def _answered(self, rows: Sequence[Any]) -> Any:
        items = [row[0] for row in rows[:LIMIT]]
        return items, *self.links.of(items, len(rows) > LIMIT, rows[0][1] is not None)

    def _guessed(self, rows: Sequence[Any]) -> Any:
        items = list(rows[:LIMIT])
        return items, *self.links.of(items, len(rows) > LIMIT, True)


def offset_prebuilt(session: Session, offset: int) -> Any:
    items = session.scalars(AT_OFFSET, {"offset": offset}).all()
    return items, session.scalar(COUNT)


def offset_per_request(session: Session, offset: int) -> Any:
    statement = select(Item).order_by(Item.created_at, Item.id).limit(LIMIT).offset(offset)
    items = session.scalars(statement).all()
    return items, session.scalar(select(func.count()).select_from(Item))


def offset_core(connection: Connection, offset: int) -> Any:
    items = connection.execute(CORE_AT_OFFSET, {"offset": offset}).all()
    return items, connection.execute(COUNT).scalar_one()
