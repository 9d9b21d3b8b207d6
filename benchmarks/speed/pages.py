"""The contenders for one page: ours, by hand, and the peers."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from sqla_pages import async_cursor_page, async_offset_page, cursor_page, offset_page

from .by_hand import KeysetByHand, Links, offset_core, offset_per_request, offset_prebuilt
from .peers import codec_peers, keyset_peers, offset_peers
from .places import CODEC, Places, ids_of
from .runner import Contender
from .table import LIMIT, ORDERED, filtered, ordered
from .ways import Way, sent_by

OURS = "ours, module-level statement"
OURS_PER_REQUEST = "ours, statement per request"
OURS_FILTERED = "ours, statement per request, with a filter"
PREBUILT = "hand-written, prebuilt"
GUESSING = "hand-written, prebuilt, guesses the previous link"
PER_REQUEST = "hand-written, per request"
PER_REQUEST_FILTERED = "hand-written, per request, with a filter"
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


def our_keyset_filtered(session: Session, cursor: str) -> Any:
    return cursor_page(session, filtered(), cursor=cursor, limit=LIMIT, codec=CODEC)


async def our_keyset_async(session: Any, cursor: str) -> Any:
    return await async_cursor_page(session, ORDERED, cursor=cursor, limit=LIMIT, codec=CODEC)


async def our_keyset_async_per_request(session: Any, cursor: str) -> Any:
    return await async_cursor_page(session, ordered(), cursor=cursor, limit=LIMIT, codec=CODEC)


async def our_keyset_async_filtered(session: Any, cursor: str) -> Any:
    return await async_cursor_page(session, filtered(), cursor=cursor, limit=LIMIT, codec=CODEC)


async def our_offset_async(session: Any, offset: int) -> Any:
    return await async_offset_page(session, ORDERED, offset=offset, limit=LIMIT)


async def our_offset_async_per_request(session: Any, offset: int) -> Any:
    return await async_offset_page(session, ordered(), offset=offset, limit=LIMIT)


OUR_KEYSET = {
    False: {
        OURS: our_keyset,
        OURS_PER_REQUEST: our_keyset_per_request,
        OURS_FILTERED: our_keyset_filtered,
    },
    True: {
        OURS: our_keyset_async,
        OURS_PER_REQUEST: our_keyset_async_per_request,
        OURS_FILTERED: our_keyset_async_filtered,
    },
}
OUR_OFFSET = {
    False: {OURS: our_offset, OURS_PER_REQUEST: our_offset_per_request},
    True: {OURS: our_offset_async, OURS_PER_REQUEST: our_offset_async_per_request},
}


async def keyset_contenders(way: Way, places: Places) -> list[Contender]:
    cursors = [places.cursors[place] for place in places.all]
    links = Links(CODEC, cursors[0])
    by_hand, own_cursors = KeysetByHand(links), [links.after(place) for place in places.all]
    pages = {
        PREBUILT: by_hand.prebuilt,
        GUESSING: by_hand.prebuilt_guessing,
        PER_REQUEST: by_hand.per_request,
        PER_REQUEST_FILTERED: by_hand.per_request_filtered,
        PER_REQUEST_GUESSING: by_hand.per_request_guessing,
    }
    contenders = [
        *_by_session(way, OUR_KEYSET[way.is_async], cursors),
        *_by_session(way, pages, own_cursors),
        *await _below_the_orm(way, by_hand.core, own_cursors),
    ]
    for peer in keyset_peers(is_async=way.is_async):
        arguments = [peer.argument(place) for place in places.all]
        contenders += _by_session(way, {peer.name: peer.call}, arguments)
    return await _checked(places, contenders)


async def offset_contenders(way: Way, places: Places) -> list[Contender]:
    offsets = [place.offset for place in places.all]
    pages = {PREBUILT: offset_prebuilt, PER_REQUEST: offset_per_request}
    contenders = [
        *_by_session(way, OUR_OFFSET[way.is_async], offsets),
        *_by_session(way, pages, offsets),
        *await _below_the_orm(way, offset_core, offsets),
    ]
    for peer in offset_peers(is_async=way.is_async):
        contenders += _by_session(way, {peer.name: peer.call}, offsets)
    return await _checked(places, contenders)


def codec_contenders(places: Places) -> list[Contender]:
    """Return what reads the cursors of places, and writes them again; ours signs them."""

    def ours(cursor: str) -> str:
        return CODEC.encode(CODEC.decode(cursor))

    cursors = tuple(places.cursors[place] for place in places.all)
    peers = [
        Contender(peer.name, peer.call, tuple(peer.argument(place) for place in places.all), 20)
        for peer in codec_peers()
    ]
    return [Contender("ours, signed", ours, cursors, 20), *peers]


def _by_session(
    way: Way, pages: Mapping[str, Callable[[Any, Any], Any]], arguments: Sequence[Any]
) -> list[Contender]:
    return [Contender(name, way.by_session(page), tuple(arguments)) for name, page in pages.items()]


async def _below_the_orm(
    way: Way, core: Callable[[Any, Any], Any], arguments: Sequence[Any]
) -> list[Contender]:
    sent = await way.on_connection(partial(sent_by, page=core, arguments=arguments))
    return [
        Contender(CORE, way.by_connection(core), tuple(arguments)),
        Contender(RAW, way.by_driver(), tuple(sent)),
    ]


async def _checked(places: Places, contenders: list[Contender]) -> list[Contender]:
    """Return the contenders, if they give the pages that are right.

    Raises:
        AssertionError: one does not.
    """
    for contender in contenders:
        for place, argument in zip(places.all, contender.arguments, strict=True):
            answer = contender.call(argument)
            if inspect.isawaitable(answer):
                answer = await answer
            found = ids_of(answer)[:LIMIT]
            assert found == place.expected, f"{contender.name} at {place.offset}"
    return contenders
