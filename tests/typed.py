"""What type-checkers make of the public API; checked in CI on SQLAlchemy 2.0 and 2.1, never run."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, assert_type

from fastapi import Depends
from sqlalchemy import Connection, Engine, RowMapping, func, select, union
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker
from sqlalchemy.ext.asyncio import AsyncSession as PlainAsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Query, mapped_column, sessionmaker
from sqlalchemy.orm import Session as PlainSession

from sqla_pages import (
    AsyncCountedPaginateSignature,
    AsyncCursorPaginate,
    AsyncCursorPaginateSignature,
    AsyncCursorPagination,
    AsyncPaginate,
    AsyncPagination,
    CappedCount,
    CappedPage,
    CappedPageMeta,
    CountedCursorPage,
    CountedCursorPaginateSignature,
    CountedPaginateSignature,
    CountRewrite,
    CursorCodec,
    CursorPage,
    CursorPaginate,
    CursorPaginateSignature,
    CursorPagination,
    DeepOffset,
    EstimatedCount,
    EstimatedPageMeta,
    ExactCount,
    NoCount,
    OffsetPage,
    Page,
    PageMeta,
    PageSQL,
    Paginate,
    Pagination,
    UncountedPageMeta,
    async_count,
    async_cursor_page,
    async_iter_pages,
    async_iter_rows,
    async_offset_page,
    count,
    cursor_page,
    iter_pages,
    iter_rows,
    offset_page,
    plan_count,
    plan_page,
)
from sqla_session import AsyncSession, Session, open_async_session, open_session


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


def functions(session: PlainSession, connection: Connection) -> None:
    assert_type(offset_page(session, select(User)), Page[User])
    assert_type(offset_page(session, select(User.name).where(User.id > 1), limit=5), Page[str])
    assert_type(offset_page(session, select(User.id, User.name), scalars=False), Page[RowMapping])
    assert_type(offset_page(connection, union(select(User.id), select(User.id))), Page[Any])
    assert_type(offset_page(session, Query([User])), Page[Any])
    assert_type(count(session, select(User)), int)


def policies(session: PlainSession) -> None:
    capped = offset_page(session, select(User), count=CappedCount(100))
    assert_type(capped, OffsetPage[User, CappedPageMeta])
    assert_type(capped.meta.total_items_exact, bool)
    shown: CappedPage[User] = capped
    assert_type(shown.data, list[User])
    uncounted = offset_page(
        session, select(User.name), count=NoCount(), deep=DeepOffset(turn=False)
    )
    assert_type(uncounted, OffsetPage[str, UncountedPageMeta])
    assert_type(uncounted.meta.has_next, bool)
    rows = offset_page(session, select(User.id, User.name), scalars=False, count=EstimatedCount())
    assert_type(rows, OffsetPage[RowMapping, EstimatedPageMeta])
    exact = offset_page(session, select(User), count=ExactCount(in_page=True))
    assert_type(exact, Page[User])
    some: OffsetPage[User, PageMeta] = exact
    assert_type(some.meta.total_items, int)
    assert_type(cursor_page(session, select(User), count=ExactCount()), CountedCursorPage[User])
    assert_type(
        plan_count(select(User), without=["outer_joins"]).rewrites, tuple[CountRewrite, ...]
    )


CappedUsers = Annotated[
    CountedPaginateSignature[CappedPageMeta], Depends(Pagination(count=CappedCount()))
]
AsyncCappedUsers = Annotated[
    AsyncCountedPaginateSignature[CappedPageMeta], Depends(AsyncPagination(count=CappedCount()))
]
CountedCursors = Annotated[
    CountedCursorPaginateSignature, Depends(CursorPagination(count=ExactCount()))
]


def capped_endpoint(paginate: CappedUsers) -> CappedPage[User]:
    assert_type(paginate(select(User)), OffsetPage[User, CappedPageMeta])
    return paginate(select(User))


async def async_capped_endpoint(paginate: AsyncCappedUsers) -> CappedPage[User]:
    assert_type(await paginate(select(User.name)), OffsetPage[str, CappedPageMeta])
    return await paginate(select(User))


def counted_cursor_endpoint(paginate: CountedCursors) -> CountedCursorPage[User]:
    assert_type(paginate(select(User.id, User.name), False), CountedCursorPage[RowMapping])
    return paginate(select(User))


async def async_functions(session: PlainAsyncSession, connection: AsyncConnection) -> None:
    assert_type(await async_offset_page(session, select(User)), Page[User])
    assert_type(await async_offset_page(connection, select(User.name)), Page[str])
    assert_type(
        await async_offset_page(session, select(User.id, func.count()), scalars=False),
        Page[RowMapping],
    )
    assert_type(await async_count(session, select(User.id, User.name)), int)


def cursor_pages(session: PlainSession, connection: Connection, codec: CursorCodec) -> None:
    page = cursor_page(session, select(User))
    assert_type(page, CursorPage[User])
    assert_type(page.data, list[User])
    assert_type(page.meta.next_cursor, str | None)
    assert_type(
        cursor_page(session, select(User.name), cursor=page.meta.next_cursor, codec=codec),
        CursorPage[str],
    )
    assert_type(
        cursor_page(session, select(User.id, User.name), scalars=False, limit=5),
        CursorPage[RowMapping],
    )
    assert_type(cursor_page(connection, union(select(User.id), select(User.id))), CursorPage[Any])
    assert_type(cursor_page(session, Query([User])), CursorPage[Any])
    assert_type(plan_page(select(User), "sqlite"), PageSQL)


async def async_cursor_pages(session: PlainAsyncSession, connection: AsyncConnection) -> None:
    assert_type(await async_cursor_page(session, select(User)), CursorPage[User])
    assert_type(await async_cursor_page(connection, select(User.name)), CursorPage[str])
    assert_type(
        await async_cursor_page(session, select(User.id, func.count()), scalars=False),
        CursorPage[RowMapping],
    )


def walks(session: PlainSession, engine: Engine, make: sessionmaker[PlainSession]) -> None:
    assert_type(iter_pages(session, select(User)), Iterator[CursorPage[User]])
    assert_type(iter_pages(make, select(User.name), batch_size=5), Iterator[CursorPage[str]])
    assert_type(
        iter_pages(engine.connect, select(User.id, User.name), scalars=False),
        Iterator[CursorPage[RowMapping]],
    )
    assert_type(iter_pages(make.begin, Query([User])), Iterator[CursorPage[Any]])
    assert_type(iter_rows(session, select(User)), Iterator[User])
    assert_type(iter_rows(open_session, select(User.name), cursor=None), Iterator[str])
    assert_type(iter_rows(make, select(User.id, User.name), scalars=False), Iterator[RowMapping])
    assert_type(iter_rows(engine.connect, union(select(User.id), select(User.id))), Iterator[Any])


def async_walks(
    session: PlainAsyncSession, engine: AsyncEngine, make: async_sessionmaker[PlainAsyncSession]
) -> None:
    assert_type(async_iter_pages(session, select(User)), AsyncIterator[CursorPage[User]])
    assert_type(async_iter_pages(make, select(User.name)), AsyncIterator[CursorPage[str]])
    assert_type(
        async_iter_pages(engine.connect, select(User.id, User.name), scalars=False),
        AsyncIterator[CursorPage[RowMapping]],
    )
    assert_type(async_iter_rows(make.begin, select(User)), AsyncIterator[User])
    assert_type(async_iter_rows(open_async_session, select(User.name)), AsyncIterator[str])
    assert_type(
        async_iter_rows(engine.connect, select(User.id, User.name), scalars=False),
        AsyncIterator[RowMapping],
    )
    assert_type(async_iter_rows(session, union(select(User.id))), AsyncIterator[Any])


def endpoint(paginate: Paginate, session: Session) -> Page[User]:
    assert_type(paginate(select(User.name)), Page[str])
    assert_type(paginate(select(User.id, User.name), scalars=False), Page[RowMapping])
    assert_type(session.get(User, 1), User | None)
    return paginate(select(User))


async def async_endpoint(paginate: AsyncPaginate, session: AsyncSession) -> Page[User]:
    assert_type(await paginate(select(User.name)), Page[str])
    assert_type(await paginate(select(User.id, User.name), scalars=False), Page[RowMapping])
    assert_type(await session.get(User, 1), User | None)
    return await paginate(select(User))


def cursor_endpoint(paginate: CursorPaginate, plainly: CursorPaginateSignature) -> CursorPage[User]:
    assert_type(paginate(select(User.name)), CursorPage[str])
    assert_type(plainly(select(User.id, User.name), scalars=False), CursorPage[RowMapping])
    assert_type(plainly(union(select(User.id), select(User.id))), CursorPage[Any])
    return paginate(select(User))


async def async_cursor_endpoint(
    paginate: AsyncCursorPaginate, plainly: AsyncCursorPaginateSignature
) -> CursorPage[User]:
    assert_type(await paginate(select(User.name)), CursorPage[str])
    assert_type(await plainly(select(User.id, User.name), scalars=False), CursorPage[RowMapping])
    return await paginate(select(User))


async def codec_of_request() -> CursorCodec:
    return CursorCodec(secrets=["a secret of enough characters"], scope="tenant 7")


async def dependencies() -> None:
    # A codec, or a dependency of either kind that returns one.
    CursorPagination(codec=CursorCodec())
    CursorPagination(codec=codec_of_request)
    AsyncCursorPagination(codec=lambda: CursorCodec())


def contexts() -> None:
    with open_session("read_only") as session:
        assert_type(session.get(User, 1), User | None)


async def async_contexts() -> None:
    async with open_async_session() as session:
        assert_type(await session.get(User, 1), User | None)
