"""What type-checkers make of the public API; checked in CI on SQLAlchemy 2.0 and 2.1, never run."""

from typing import Any, assert_type

from sqlalchemy import Connection, RowMapping, func, select, union
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.asyncio import AsyncSession as PlainAsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Query, mapped_column
from sqlalchemy.orm import Session as PlainSession

from sqla_pages import (
    AsyncPaginate,
    Page,
    Paginate,
    async_count,
    async_offset_page,
    count,
    offset_page,
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


async def async_functions(session: PlainAsyncSession, connection: AsyncConnection) -> None:
    assert_type(await async_offset_page(session, select(User)), Page[User])
    assert_type(await async_offset_page(connection, select(User.name)), Page[str])
    assert_type(
        await async_offset_page(session, select(User.id, func.count()), scalars=False),
        Page[RowMapping],
    )
    assert_type(await async_count(session, select(User.id, User.name)), int)


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


def contexts() -> None:
    with open_session("read_only") as session:
        assert_type(session.get(User, 1), User | None)


async def async_contexts() -> None:
    async with open_async_session() as session:
        assert_type(await session.get(User, 1), User | None)
