"""The other libraries, where they are installed: their pages as their documentation has them."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sqlalchemy.orm import Session

from .places import Place
from .table import LIMIT, ORDERED, ordered

NAMES = ("fastapi-sqla", "fastapi-pagination", "sqlakeyset")


def versions() -> dict[str, str]:
    """Return the versions of those that are installed."""
    found: dict[str, str] = {}
    for name in NAMES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class Peer:
    """A call of another library, mostly for a page, and what stands for a place to it."""

    name: str
    call: Callable[..., Any]
    argument: Callable[[Place], Any]


def keyset_peers(*, is_async: bool) -> list[Peer]:
    """Return those with keyset pages; the statement they are given is made once."""
    found = versions()
    peers: list[Peer] = []
    if "sqlakeyset" in found:
        peers.append(_sqlakeyset(is_async))
    if "fastapi-pagination" in found and "sqlakeyset" in found:
        peers.append(_cursor_page(is_async, "fastapi-pagination", counts=True))
        peers.append(_cursor_page(is_async, "fastapi-pagination, no total", counts=False))
    return peers


def offset_peers(*, is_async: bool) -> list[Peer]:
    """Return those with offset pages; the statement they are given is made for each page."""
    found = versions()
    peers: list[Peer] = []
    if "fastapi-sqla" in found:
        peers.append(_fastapi_sqla(is_async))
    if "fastapi-pagination" in found:
        peers.append(_offset_page(is_async))
    return peers


def codec_peers() -> list[Peer]:
    """Return those that read a cursor and write it again."""
    if "sqlakeyset" not in versions():
        return []
    from sqlakeyset import serialize_bookmark, unserialize_bookmark

    def call(bookmark: str) -> str:
        return str(serialize_bookmark(unserialize_bookmark(bookmark)))

    return [Peer("sqlakeyset, not signed", call, bookmark_of)]


def bookmark_of(place: Place) -> str:
    from sqlakeyset import serialize_bookmark

    return str(serialize_bookmark(((place.created_at, place.id), False)))


def _sqlakeyset(is_async: bool) -> Peer:
    from sqlakeyset import asyncio, select_page

    def answered(page: Any) -> Any:
        paging = page.paging
        links = (
            paging.bookmark_next if paging.has_next else None,
            paging.bookmark_previous if paging.has_previous else None,
        )
        return [row[0] for row in page], *links

    def call(session: Session, bookmark: str) -> Any:
        return answered(select_page(session, ORDERED, per_page=LIMIT, page=bookmark))

    async def async_call(session: Any, bookmark: str) -> Any:
        return answered(await asyncio.select_page(session, ORDERED, per_page=LIMIT, page=bookmark))

    return Peer("sqlakeyset", async_call if is_async else call, bookmark_of)


def _cursor_page(is_async: bool, name: str, *, counts: bool) -> Peer:
    from fastapi_pagination.config import Config
    from fastapi_pagination.cursor import CursorPage, CursorParams, encode_cursor
    from fastapi_pagination.customization import CustomizedPage, UseIncludeTotal
    from fastapi_pagination.ext.sqlalchemy import apaginate, paginate

    page_class: Any = CursorPage[Any]
    if not counts:
        page_class = CustomizedPage[page_class, UseIncludeTotal(False)]
    params_class: Any = CursorParams if counts else page_class.__params_type__
    config = Config(page_cls=page_class)

    def call(session: Session, cursor: str) -> Any:
        return paginate(session, ORDERED, params_class(cursor=cursor, size=LIMIT), config=config)

    async def async_call(session: Any, cursor: str) -> Any:
        params = params_class(cursor=cursor, size=LIMIT)
        return await apaginate(session, ORDERED, params, config=config)

    return Peer(
        name,
        async_call if is_async else call,
        lambda place: encode_cursor(bookmark_of(place)),
    )


def _offset_page(is_async: bool) -> Peer:
    from fastapi_pagination.config import Config
    from fastapi_pagination.ext.sqlalchemy import apaginate, paginate
    from fastapi_pagination.limit_offset import LimitOffsetPage, LimitOffsetParams

    config = Config(page_cls=LimitOffsetPage[Any])

    def call(session: Session, offset: int) -> Any:
        params = LimitOffsetParams(limit=LIMIT, offset=offset)
        return paginate(session, ordered(), params, config=config)

    async def async_call(session: Any, offset: int) -> Any:
        params = LimitOffsetParams(limit=LIMIT, offset=offset)
        return await apaginate(session, ordered(), params, config=config)

    return Peer("fastapi-pagination", async_call if is_async else call, lambda place: place.offset)


def _fastapi_sqla(is_async: bool) -> Peer:
    from fastapi_sqla import AsyncPagination, Pagination

    pages: Any = Pagination()
    async_pages: Any = AsyncPagination()

    def call(session: Session, offset: int) -> Any:
        return pages(session, offset, LIMIT)(ordered())

    async def async_call(session: Any, offset: int) -> Any:
        return await async_pages(session, offset, LIMIT)(ordered())

    return Peer("fastapi-sqla", async_call if is_async else call, lambda place: place.offset)
