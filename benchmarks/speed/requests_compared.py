"""Whole requests, and the building of responses, compared; the thread hops of a request."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from sqlalchemy import URL, Connection
from sqlalchemy.orm import Session

from sqla_pages import Page, cursor_page, offset_page
from sqla_pages.cursor import UNSIGNED

from .asgi import hops_of, ids_in, requests_to, scope_of
from .by_hand import Links
from .endpoints import (
    ItemModel,
    OrdinaryPage,
    application,
    applications_by_hand,
    our_applications,
)
from .peer_endpoints import fastapi_pagination_applications, fastapi_sqla_applications
from .peers import bookmark_of, versions
from .places import Place
from .runner import Contender
from .table import LIMIT, ORDERED

OURS = "ours"
BY_HAND = "hand-written"
FASTAPI_SQLA = "fastapi-sqla"
FASTAPI_PAGINATION = "fastapi-pagination"
ORDINARY = "an ordinary model"

Applications = Mapping[str, Mapping[str, FastAPI]]
"""By name, then by kind of request."""


@asynccontextmanager
async def applications(url: URL) -> AsyncIterator[Applications]:
    made: dict[str, Callable[[URL], AbstractAsyncContextManager[dict[str, FastAPI]]]] = {
        OURS: our_applications,
        BY_HAND: applications_by_hand,
    }
    if FASTAPI_SQLA in versions():
        made[FASTAPI_SQLA] = fastapi_sqla_applications
    if FASTAPI_PAGINATION in versions():
        made[FASTAPI_PAGINATION] = fastapi_pagination_applications
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(make(url)) for name, make in made.items()}


def cursors_of(connection: Connection, place: Place) -> dict[str, str]:
    """Return the cursors that lead from a place, walked to: it is not deep."""
    with Session(connection) as session:
        page = cursor_page(session, ORDERED, limit=place.offset)
    given = page.meta.next_cursor or ""
    cursors = {OURS: given, BY_HAND: Links(UNSIGNED, given).after(place)}
    if {FASTAPI_PAGINATION, "sqlakeyset"} <= set(versions()):
        from fastapi_pagination.cursor import encode_cursor

        cursors[FASTAPI_PAGINATION] = encode_cursor(bookmark_of(place)) or ""
    return cursors


def scopes_of(place: Place, cursors: Mapping[str, str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the request of each kind, by name."""
    offset = scope_of(offset=place.offset, limit=LIMIT)
    names = {OURS: "limit", BY_HAND: "limit", FASTAPI_PAGINATION: "size"}
    return {
        "none": dict.fromkeys((OURS, BY_HAND, FASTAPI_SQLA), scope_of()),
        "offset": dict.fromkeys((OURS, BY_HAND, FASTAPI_SQLA, FASTAPI_PAGINATION), offset),
        "cursor": {
            name: scope_of(cursor=cursor, **{names[name]: LIMIT})
            for name, cursor in cursors.items()
        },
    }


@dataclass(frozen=True, slots=True)
class Requests:
    """The contenders by kind of request, and the thread hops of each."""

    contenders: Mapping[str, list[Contender]]
    hops: Mapping[str, Mapping[str, int]]


async def requests_of(made: Applications, place: Place, cursors: Mapping[str, str]) -> Requests:
    """Return what is compared, of applications that answer right.

    Raises:
        AssertionError: one does not.
    """
    contenders: dict[str, list[Contender]] = {}
    hops: dict[str, dict[str, int]] = {}
    for kind, scopes in scopes_of(place, cursors).items():
        contenders[kind], hops[kind] = [], {}
        for name, scope in scopes.items():
            app = made.get(name, {}).get(kind)
            if app is None:
                continue
            if kind != "none":
                assert await ids_in(app, scope) == place.expected, f"{name}, {kind}"
            cycles = 200 if kind == "none" else 10
            contenders[kind].append(Contender(name, requests_to(app), (scope,), cycles))
            hops[kind][name] = await hops_of(app, scope)
    return Requests(contenders, hops)


def responses_of(connection: Connection) -> list[Contender]:
    """Return endpoints that answer with 50 objects that are loaded: our model, and an ordinary."""
    with Session(connection) as session:
        page = offset_page(session, ORDERED, limit=LIMIT)
        session.expunge_all()
    ordinary = OrdinaryPage[Any](data=page.data, meta=page.meta.model_dump())  # type: ignore[arg-type]

    async def our_page() -> Any:
        return page

    async def ordinary_page() -> Any:
        return ordinary

    apps = {
        OURS: application(our_page, response_model=Page[ItemModel]),
        ORDINARY: application(ordinary_page, response_model=OrdinaryPage[ItemModel]),
    }
    return [Contender(name, requests_to(app), (scope_of(),), 20) for name, app in apps.items()]
