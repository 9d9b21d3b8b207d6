"""The contenders for one page, on a connection that is open: ours, by hand, and the peers.

Each page is read by a new session on that connection, so that no pool, no BEGIN and no row that is
known already is part of it: what differs is how a page is made.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session

from sqla_pages import cursor_page, offset_page

from .by_hand import KeysetByHand, Links, offset_core, offset_per_request, offset_prebuilt
from .peers import Peer, keyset_peers, offset_peers
from .places import CODEC, Place, Places, ids_of
from .runner import Contender
from .table import LIMIT, ORDERED, ordered

OURS = "ours, module-level statement"
OURS_PER_REQUEST = "ours, statement per request"
PREBUILT = "hand-written, prebuilt"
GUESSING = "hand-written, prebuilt, guesses the previous link"
PER_REQUEST = "hand-written, per request"
PER_REQUEST_GUESSING = "hand-written, per request, guesses the previous link"
CORE = "Core rows"
RAW = "raw driver"


def our_keyset(session: Session, cursor: str) -> Any:
    return cursor_page(session, ORDERED, cursor=cursor, limit=LIMIT, codec=CODEC)


def our_keyset_per_request(session: Session, cursor: str) -> Any:
    return cursor_page(session, ordered(), cursor=cursor, limit=LIMIT, codec=CODEC)


def our_offset(session: Session, offset: int) -> Any:
    return offset_page(session, ORDERED, offset=offset, limit=LIMIT)


def our_offset_per_request(session: Session, offset: int) -> Any:
    return offset_page(session, ordered(), offset=offset, limit=LIMIT)


def with_session(connection: Connection, page: Callable[[Any, Any], Any], argument: Any) -> Any:
    with Session(connection) as session:
        return page(session, argument)


def raw(connection: Connection, sent: list[tuple[str, Any]]) -> Any:
    """Send what was sent before, without SQLAlchemy."""
    cursor: Any = connection.connection.dbapi_connection.cursor()  # type: ignore[union-attr]
    answers: list[Any] = []
    for sql, values in sent:
        cursor.execute(sql, values)
        answers.append(cursor.fetchall())
    cursor.close()
    return answers[0]


def sent_by(connection: Connection, call: Callable[[], Any]) -> list[tuple[str, Any]]:
    """Return the statements, with values, that a call sends."""
    sent: list[tuple[str, Any]] = []

    def hear(connection: Any, cursor: Any, sql: str, values: Any, *rest: Any) -> None:
        sent.append((sql, values))

    event.listen(connection, "before_cursor_execute", hear)
    try:
        call()
    finally:
        event.remove(connection, "before_cursor_execute", hear)
    return sent


def keyset_contenders(connection: Connection, places: Places) -> list[Contender]:
    cursors = tuple(places.cursors[place] for place in places.all)
    links = Links(CODEC, cursors[0])
    by_hand, by_hand_cursors = KeysetByHand(links), tuple(map(links.after, places.all))
    ours = {OURS: our_keyset, OURS_PER_REQUEST: our_keyset_per_request}
    pages = {
        PREBUILT: by_hand.prebuilt,
        GUESSING: by_hand.prebuilt_guessing,
        PER_REQUEST: by_hand.per_request,
        PER_REQUEST_GUESSING: by_hand.per_request_guessing,
    }
    core = partial(by_hand.core, connection)
    return _checked(
        places,
        [
            *_in_sessions(connection, ours, cursors),
            *_in_sessions(connection, pages, by_hand_cursors),
            Contender(CORE, core, by_hand_cursors),
            Contender(
                RAW, partial(raw, connection), _statements(connection, core, by_hand_cursors)
            ),
            *_of_peers(connection, keyset_peers(is_async=False), places),
        ],
    )


def offset_contenders(connection: Connection, places: Places) -> list[Contender]:
    offsets = tuple(place.offset for place in places.all)
    pages = {
        OURS: our_offset,
        OURS_PER_REQUEST: our_offset_per_request,
        PREBUILT: offset_prebuilt,
        PER_REQUEST: offset_per_request,
    }
    core = partial(offset_core, connection)
    return _checked(
        places,
        [
            *_in_sessions(connection, pages, offsets),
            Contender(CORE, core, offsets),
            Contender(RAW, partial(raw, connection), _statements(connection, core, offsets)),
            *_of_peers(connection, offset_peers(is_async=False), places),
        ],
    )


def _in_sessions(
    connection: Connection, pages: dict[str, Callable[[Any, Any], Any]], arguments: tuple[Any, ...]
) -> list[Contender]:
    return [
        Contender(name, partial(with_session, connection, page), arguments)
        for name, page in pages.items()
    ]


def _statements(
    connection: Connection, call: Callable[[Any], Any], arguments: tuple[Any, ...]
) -> tuple[Any, ...]:
    return tuple(sent_by(connection, partial(call, argument)) for argument in arguments)


def _of_peers(connection: Connection, peers: list[Peer], places: Places) -> list[Contender]:
    def arguments(argument: Callable[[Place], Any]) -> tuple[Any, ...]:
        return tuple(argument(place) for place in places.all)

    return [
        Contender(peer.name, partial(with_session, connection, peer.call), arguments(peer.argument))
        for peer in peers
    ]


def _checked(places: Places, contenders: list[Contender]) -> list[Contender]:
    """Return the contenders, if they give the pages that are right.

    Raises:
        AssertionError: one does not.
    """
    for contender in contenders:
        for place, argument in zip(places.all, contender.arguments, strict=True):
            found = ids_of(contender.call(argument))[:LIMIT]
            assert found == place.expected, f"{contender.name} at {place.offset}"
    return contenders
