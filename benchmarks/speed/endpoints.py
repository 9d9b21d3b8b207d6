"""Applications with one endpoint each: ours, and by hand."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import URL, create_engine, func, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from sqla_pages import (
    AsyncCursorPaginate,
    AsyncPaginate,
    CursorPage,
    CursorPaginate,
    Page,
    Paginate,
)
from sqla_pages.cursor import UNSIGNED
from sqla_session import SessionRegistry, setup_middlewares

from .by_hand import KeysetByHand, Links
from .table import ORDERED, Item

T = TypeVar("T")


class ItemModel(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    created_at: datetime
    kind: int
    amount: int
    price: float
    active: bool
    name: str
    note: str


class OrdinaryMeta(BaseModel):
    offset: int
    total_items: int
    total_pages: int
    page_number: int


class OrdinaryPage(BaseModel, Generic[T]):
    """A page as one would declare it, and FastAPI serialises it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    data: list[T]
    meta: OrdinaryMeta


class OrdinaryLinks(BaseModel):
    next_cursor: str | None
    previous_cursor: str | None


class OrdinaryCursorPage(BaseModel, Generic[T]):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    data: list[T]
    meta: OrdinaryLinks


def application(endpoint: Callable[..., Any], **route: Any) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.get("/", **route)(endpoint)
    return app


def plain() -> dict[str, bool]:
    return {"ok": True}


async def plain_async() -> dict[str, bool]:
    return {"ok": True}


def our_offset(paginate: Paginate) -> Any:
    return paginate(ORDERED)


async def our_offset_async(paginate: AsyncPaginate) -> Any:
    return await paginate(ORDERED)


def our_cursor(paginate: CursorPaginate) -> Any:
    return paginate(ORDERED)


async def our_cursor_async(paginate: AsyncCursorPaginate) -> Any:
    return await paginate(ORDERED)


@asynccontextmanager
async def our_applications(url: URL) -> AsyncIterator[dict[str, FastAPI]]:
    """Yield the application of each kind of request, with our middleware."""
    registry = SessionRegistry({"sqlalchemy_url": url})
    await registry.startup()
    is_async = url.get_dialect().is_async
    apps = {
        "none": application(plain_async if is_async else plain),
        "offset": application(
            our_offset_async if is_async else our_offset, response_model=Page[ItemModel]
        ),
        "cursor": application(
            our_cursor_async if is_async else our_cursor, response_model=CursorPage[ItemModel]
        ),
    }
    for app in apps.values():
        setup_middlewares(app, registry)
    yield apps
    await registry.shutdown()


def meta_of(offset: int, limit: int, total: int) -> dict[str, int]:
    return {
        "offset": offset,
        "total_items": total,
        "total_pages": -(-total // limit),
        "page_number": offset // limit + 1,
    }


def keyset_page(session: Session, cursor: str) -> dict[str, Any]:
    """Return the page after a cursor, by the statement that was prepared by hand."""
    items, onward, back = KeysetByHand(Links(UNSIGNED, cursor)).prebuilt(session, cursor)
    return {"data": items, "meta": {"next_cursor": onward, "previous_cursor": back}}


Offset = Annotated[int, Query(ge=0)]
Limit = Annotated[int, Query(ge=1, le=100)]


@asynccontextmanager
async def applications_by_hand(url: URL) -> AsyncIterator[dict[str, FastAPI]]:
    """Yield what one would write: a session by a dependency with yield, the statements in place."""
    apps = _async_by_hand(url) if url.get_dialect().is_async else _sync_by_hand(url)
    async with apps as made:
        yield made


@asynccontextmanager
async def _sync_by_hand(url: URL) -> AsyncIterator[dict[str, FastAPI]]:
    engine = create_engine(url)

    def open_session() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    def offset_page(
        session: Annotated[Session, Depends(open_session)], offset: Offset = 0, limit: Limit = 10
    ) -> Any:
        items = session.scalars(ORDERED.offset(offset).limit(limit)).all()
        total = session.scalar(select(func.count()).select_from(Item)) or 0
        return {"data": items, "meta": meta_of(offset, limit, total)}

    def cursor_page(session: Annotated[Session, Depends(open_session)], cursor: str) -> Any:
        return keyset_page(session, cursor)

    yield {
        "none": application(plain),
        "offset": application(offset_page, response_model=OrdinaryPage[ItemModel]),
        "cursor": application(cursor_page, response_model=OrdinaryCursorPage[ItemModel]),
    }
    engine.dispose()


@asynccontextmanager
async def _async_by_hand(url: URL) -> AsyncIterator[dict[str, FastAPI]]:
    engine = create_async_engine(url)

    async def open_session() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            yield session

    async def offset_page(
        session: Annotated[AsyncSession, Depends(open_session)],
        offset: Offset = 0,
        limit: Limit = 10,
    ) -> Any:
        items = (await session.scalars(ORDERED.offset(offset).limit(limit))).all()
        total = await session.scalar(select(func.count()).select_from(Item)) or 0
        return {"data": items, "meta": meta_of(offset, limit, total)}

    async def cursor_page(
        session: Annotated[AsyncSession, Depends(open_session)], cursor: str
    ) -> Any:
        return await session.run_sync(keyset_page, cursor)

    yield {
        "none": application(plain_async),
        "offset": application(offset_page, response_model=OrdinaryPage[ItemModel]),
        "cursor": application(cursor_page, response_model=OrdinaryCursorPage[ItemModel]),
    }
    await engine.dispose()
