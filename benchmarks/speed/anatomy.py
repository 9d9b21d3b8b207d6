"""What lies between a page of sqla_pages and one that is prepared by hand, one step at a time.

Both pages here are run by hand, as the prebuilt one is; the first differs from it in that the keys
are selected beside the objects, the second in the statement, which is that of sqla_pages. What
sqla_pages takes more than the second is its own Python.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from sqla_pages.cursor import Cursor, Direction
from sqla_pages.plans import CURSOR_PLANS

from .by_hand import AFTER, BEHIND, KEYS, Links
from .pages import ids_of
from .places import CODEC, Places
from .runner import Contender
from .table import LIMIT, ORDERED, Item
from .ways import SyncWay

WITH_KEYS = "hand-written, prebuilt, with the keys beside the objects"
OUR_STATEMENT = "the statement of sqla_pages, run by hand"

KEYED = (
    select(
        Item,
        type_coerce(Item.created_at, NullType()).label("created_at_key"),
        type_coerce(Item.id, NullType()).label("id_key"),
        BEHIND.label("behind"),
    )
    .where(KEYS > AFTER)
    .order_by(Item.created_at, Item.id)
    .limit(LIMIT + 1)
)


def anatomy(way: SyncWay, places: Places) -> list[Contender]:
    """Return the two pages between, if they are right.

    Raises:
        AssertionError: one is not.
    """
    own = tuple(places.cursors[place] for place in places.all)
    links = Links(CODEC, own[0])
    by_hand = tuple(links.after(place) for place in places.all)
    ours = StatementOfOurs(way.connection, own[0])

    def with_keys(session: Session, cursor: str) -> Any:
        return answer(links.fingerprint, session.execute(KEYED, links.keys(cursor)).all())

    contenders = [
        Contender(WITH_KEYS, way.by_session(with_keys), by_hand),
        Contender(OUR_STATEMENT, way.by_session(ours.page), own),
    ]
    for contender in contenders:
        for place, argument in zip(places.all, contender.arguments, strict=True):
            assert ids_of(contender.call(argument)) == place.expected, contender.name
    return contenders


class StatementOfOurs:
    """Runs the statement that sqla_pages makes of a page, with nothing of it around."""

    def __init__(self, connection: Connection, given: str) -> None:
        cursor = CODEC.decode(given)
        self.plan = CURSOR_PLANS.of(ORDERED, connection.dialect).plan
        self.statement = self.plan.page(cursor, LIMIT + 1, probe=True).statement

    def page(self, session: Session, cursor: str) -> Any:
        keyset = CODEC.decode(cursor).keyset
        assert keyset is not None
        values = {"_a0": keyset[0], "_a1": keyset[1], "_limit": LIMIT + 1}
        return answer(self.plan.fingerprint, session.execute(self.statement, values).all())


def answer(fingerprint: str, rows: Sequence[Any]) -> Any:
    def link(direction: Direction, row: Any) -> str:
        return CODEC.encode(Cursor(direction, fingerprint, tuple(row[1:3])))

    return (
        [row[0] for row in rows[:LIMIT]],
        link("after", rows[LIMIT - 1]) if len(rows) > LIMIT else None,
        link("before", rows[0]) if rows[0][3] is not None else None,
    )
