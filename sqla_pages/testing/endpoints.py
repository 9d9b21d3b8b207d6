"""Walks through the pages of an endpoint of a running application, and verifies them."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Protocol, TypeAlias, TypeVar

from starlette.applications import Starlette

from .differences import Expected, PagesMismatchError, differences, listed
from .responses import IS_EXACT, check_page, parts_of
from .rows import Key, keys_of
from .walks import Read, Walk, answered, async_answered, cursor_walks

T = TypeVar("T")

_LIMITS = (1, 3, 10)


class Response(Protocol):
    """What a client answers."""

    @property
    def status_code(self) -> int:
        """The status."""
        ...

    @property
    def text(self) -> str:
        """The body."""
        ...

    def json(self) -> Any:
        """Return the body, read as JSON."""
        ...


class Client(Protocol):
    """A client of an application: FastAPI's `TestClient`, or one of httpx."""

    def get(self, url: str, *, params: Any, headers: Any) -> Response:
        """Send a GET request."""
        ...


class AsyncClient(Protocol):
    """An asyncio client of an application, as that of httpx."""

    async def get(self, url: str, *, params: Any, headers: Any) -> Response:
        """Send a GET request."""
        ...


def assert_endpoint_pages(
    client: Client | Starlette,
    path: str,
    *,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    limits: Sequence[int] = _LIMITS,
    expected: Sequence[Any] | None = None,
    max_items: int = 1000,
    max_offset: int | None = None,
) -> list[Any]:
    """Read all pages of an endpoint, fail if they contradict each other, and return its items.

    The endpoint may answer any kind of page, by `offset` and `limit` or by `cursor` and `limit`.
    Pages of each size have to hold the same items in the same order; cursors have to lead forward
    and backward and to end where the items do; the meta of each page has to be true, past the end
    too; and what is no offset, limit or cursor has to be answered with a status from 400 to 499.
    Nobody else should write meanwhile.

    Args:
        client: FastAPI's `TestClient`, a client of httpx, or the application itself, which is then
            started and stopped.
        path: of the endpoint.
        params: further query parameters of each request.
        headers: of each request.
        limits: the sizes of pages to try, each within what the endpoint allows.
        expected: the items as JSON, in order, if you know them. Otherwise the pages of all sizes
            are held against those of the largest one.
        max_items: how many items the endpoint may have: a request is sent for each of them, if
            pages of one are tried.
        max_offset: that of the endpoint, past which no page is read.

    Returns:
        The items, in order, as JSON that was read.

    Raises:
        PagesMismatchError: the pages are wrong; an AssertionError that says which, and how.
        ValueError: there are more items than `max_items`, or no limits.

    Example:
        >>> from fastapi import FastAPI
        >>> from sqlalchemy import literal, select, union
        >>> from sqla_pages import Page, Paginate
        >>> from sqla_pages.testing import assert_endpoint_pages
        >>> from sqla_session import SessionRegistry, setup
        >>> app = FastAPI()
        >>> setup(app, SessionRegistry({"sqlalchemy_url": "sqlite://"}))
        >>> @app.get("/numbers", response_model=Page[int])
        ... def numbers(paginate: Paginate):
        ...     return paginate(union(select(literal(1)), select(literal(2))))
        >>> assert_endpoint_pages(app, "/numbers")
        [1, 2]
    """
    if isinstance(client, Starlette):
        from fastapi.testclient import TestClient

        with TestClient(client) as started:
            return assert_endpoint_pages(
                started,
                path,
                params=params,
                headers=headers,
                limits=limits,
                expected=expected,
                max_items=max_items,
                max_offset=max_offset,
            )
    opened, steps = client, _steps(_Bounds(limits, max_items, max_offset), expected)

    def answer(asked: Mapping[str, Any]) -> Response:
        return opened.get(path, params={**(params or {}), **asked}, headers=dict(headers or {}))

    return answered(steps, answer)


async def async_assert_endpoint_pages(
    client: AsyncClient | Starlette,
    path: str,
    *,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    limits: Sequence[int] = _LIMITS,
    expected: Sequence[Any] | None = None,
    max_items: int = 1000,
    max_offset: int | None = None,
) -> list[Any]:
    """Do as `assert_endpoint_pages` does, by an asyncio client, such as `httpx.AsyncClient`.

    An application is called in the event loop of the test, by httpx.

    Example:
        >>> import asyncio
        >>> from fastapi import FastAPI
        >>> from sqlalchemy import literal, select, union
        >>> from sqla_pages import AsyncPaginate, Page
        >>> from sqla_pages.testing import async_assert_endpoint_pages
        >>> from sqla_session import SessionRegistry, setup
        >>> app = FastAPI()
        >>> setup(app, SessionRegistry({"sqlalchemy_url": "sqlite+aiosqlite://"}))
        >>> @app.get("/numbers", response_model=Page[int])
        ... async def numbers(paginate: AsyncPaginate):
        ...     return await paginate(union(select(literal(1)), select(literal(2))))
        >>> asyncio.run(async_assert_endpoint_pages(app, "/numbers"))
        [1, 2]
    """
    if isinstance(client, Starlette):
        import httpx

        transport = httpx.ASGITransport(client)
        async with (
            client.router.lifespan_context(client),
            httpx.AsyncClient(transport=transport, base_url="http://testserver") as started,
        ):
            return await async_assert_endpoint_pages(
                started,
                path,
                params=params,
                headers=headers,
                limits=limits,
                expected=expected,
                max_items=max_items,
                max_offset=max_offset,
            )
    opened, steps = client, _steps(_Bounds(limits, max_items, max_offset), expected)

    async def answer(asked: Mapping[str, Any]) -> Response:
        return await opened.get(
            path, params={**(params or {}), **asked}, headers=dict(headers or {})
        )

    return await async_answered(steps, answer)


Steps: TypeAlias = Generator[Mapping[str, Any], Response, T]
"""Yield the parameters of requests, receive the responses."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What is tried, and where it ends."""

    limits: Sequence[int]
    max_items: int
    max_offset: int | None

    def __post_init__(self) -> None:
        if not self.limits:
            raise ValueError("there is nothing to try: give limits")

    def check(self, items: int) -> None:
        """Refuse an endpoint of too many items."""
        if items > self.max_items:
            raise ValueError(
                f"the endpoint has more than max_items={self.max_items} items: narrow it down by "
                "params, or give a larger max_items"
            )


def _steps(bounds: _Bounds, expected: Sequence[Any] | None) -> Steps[list[Any]]:
    _, meta = yield from _page({})
    if meta.get(IS_EXACT, "total_items" in meta):
        bounds.check(meta["total_items"])
    way = _by_cursors if "next_cursor" in meta else _by_offsets
    # The largest pages first: unless the items are known, the others are held against them.
    found: list[_Found] = []
    for limit in sorted(bounds.limits, reverse=True):
        each = yield from way(limit, bounds)
        found.append(each)
    known = found[0] if bounds.max_offset is None else max(found, key=lambda each: len(each.items))
    wanted = keys_of(known.items if expected is None else expected)
    for each in found:
        rows = wanted[: len(each.items)] if each.is_cut else wanted
        for walk in each.walks:
            faults = [*differences(Expected(rows, [1] * len(rows)), walk.pages), *walk.faults]
            if faults:
                raise PagesMismatchError(listed(f"{walk.way} of {each.limit} items:", faults))
    yield from _bad_requests(meta, bounds.max_offset)
    return known.items


@dataclass(frozen=True, slots=True)
class _Found:
    """What pages of one size hold; not all there is, if `is_cut`."""

    limit: int
    walks: tuple[Walk, ...]
    items: list[Any]
    is_cut: bool = False


def _page(
    asked: Mapping[str, Any], *, offset: int | None = None, limit: int | None = None
) -> Steps[tuple[Sequence[Any], Mapping[str, Any]]]:
    """Ask for a page, and check it by itself."""
    response = yield asked
    try:
        check_page(response, offset=offset, limit=limit)
    except PagesMismatchError as error:
        raise PagesMismatchError(f"{_named(asked)}: {error}") from None
    return parts_of(response)


def _by_cursors(limit: int, bounds: _Bounds) -> Steps[_Found]:
    items: list[Any] = []
    totals: list[Mapping[str, Any]] = []
    steps = cursor_walks(limit, bounds.max_items // limit + 1)
    asked, is_forward = next(steps), True
    try:
        while True:
            cursor = {} if asked is None else {"cursor": asked}
            data, meta = yield from _page({**cursor, "limit": limit}, limit=limit)
            totals.append(meta)
            if is_forward:
                items += data
                bounds.check(len(items))
                is_forward = meta["next_cursor"] is not None
            asked = steps.send(Read.of(data, meta))
    except StopIteration as stop:
        forward, backward = stop.value
    faults = tuple(_faults_of_totals(totals, len(items)))
    forward = replace(forward, faults=(*forward.faults, *faults))
    return _Found(limit, (forward, backward), items)


def _by_offsets(limit: int, bounds: _Bounds) -> Steps[_Found]:
    items: list[Any] = []
    pages: list[tuple[Key, ...]] = []
    metas: list[Mapping[str, Any]] = []
    for offset in count(0, limit):
        if bounds.max_offset is not None and offset > bounds.max_offset:
            break
        data, meta = yield from _page(
            {"offset": offset, "limit": limit}, offset=offset, limit=limit
        )
        pages.append(tuple(keys_of(data)))
        metas.append(meta)
        items += data
        bounds.check(len(items))
        if not data:
            break
    is_cut = bool(pages[-1])
    faults = [] if is_cut else list(_faults_of_totals(metas, len(items)))
    for number, (meta, data) in enumerate(zip(metas, pages[1:], strict=False), 1):
        if "has_next" in meta and meta["has_next"] != bool(data):
            faults.append(f"has_next of page {number} is {meta['has_next']}")
    walk = Walk("offset pages", tuple(pages), tuple(faults), "offset")
    return _Found(limit, (walk,), items, is_cut)


def _faults_of_totals(metas: Sequence[Mapping[str, Any]], items: int) -> Iterator[str]:
    for number, meta in enumerate(metas, 1):
        total = meta.get("total_items")
        if total is None:
            continue
        if meta.get(IS_EXACT, True) and total != items:
            yield f"total_items of page {number} is {total}, not {items}"


def _bad_requests(meta: Mapping[str, Any], max_offset: int | None) -> Steps[None]:
    """Ask for pages that cannot be, which have to be refused."""
    bad: list[dict[str, Any]] = [{"limit": limit} for limit in (0, -1, "x")]
    if "next_cursor" in meta:
        given = meta["next_cursor"] or meta["previous_cursor"] or "AAAA"
        other = "B" if given[0] == "A" else "A"
        changed = (given[:-1], given * 2, other + given[1:], f"{given}=", "", "x", "x" * 8193)
        bad += [{"cursor": cursor} for cursor in changed]
    else:
        bad += [{"offset": offset} for offset in (-1, "x")]
        bad += [] if max_offset is None else [{"offset": max_offset + 1}]
    for asked in bad:
        response = yield asked
        if not 400 <= response.status_code < 500:
            raise PagesMismatchError(
                f"{_named(asked)} is answered with the status {response.status_code}, "
                "not one from 400 to 499"
            )
    # More than a database can count to: nothing, or refused.
    for name in ("limit",) if "next_cursor" in meta else ("limit", "offset"):
        response = yield {name: 10**30}
        if response.status_code >= 500:
            raise PagesMismatchError(f"{_named({name: 10**30})} is answered with a server error")


def _named(asked: Mapping[str, Any]) -> str:
    # A cursor holds values of a row.
    shown = {name: "..." if name == "cursor" else value for name, value in asked.items()}
    return "the request with " + (str(shown) if shown else "no parameters of a page")
