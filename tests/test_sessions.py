"""What pages can be read from: sessions, scoped sessions, connections; Query and SQLModel too."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, insert, select, text
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Query, Session, contains_eager, joinedload, scoped_session, sessionmaker
from sqlmodel import Field, SQLModel
from sqlmodel import Session as ModelSession
from sqlmodel import select as model_select
from sqlmodel.ext.asyncio.session import AsyncSession as AsyncModelSession

from sqla_pages import Page, StatementNotPageableError, async_offset_page, count, offset_page

from .schema import Base, Note, User, rows


class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str


BY_NAME = select(User.id).order_by(User.name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "test.sqlite"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        for table, values in rows():
            connection.execute(insert(table), values)
        SQLModel.metadata.create_all(connection)
        connection.execute(insert(Hero), [{"name": f"hero {i % 2}"} for i in range(5)])
    engine.dispose()
    return path


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture
def expected(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.scalars(select(User.id).order_by(User.name, User.id)))[5:9]


def test_a_session_a_scoped_session_and_a_connection_give_the_same_page(
    engine: Engine, expected: list[int]
) -> None:
    scoped = scoped_session(sessionmaker(engine))
    with engine.connect() as connection, Session(engine) as session:
        pages = [
            offset_page(one, BY_NAME, offset=5, limit=4) for one in (session, scoped, connection)
        ]
    scoped.remove()

    assert [page.data for page in pages] == [expected] * 3


def test_an_asyncio_session_a_scoped_one_and_a_connection_give_the_same_page(
    path: Path, expected: list[int]
) -> None:
    async def pages(engine: AsyncEngine) -> list[Page[int]]:
        scoped = async_scoped_session(async_sessionmaker(engine), asyncio.current_task)
        async with engine.connect() as connection, AsyncSession(engine) as session:
            read: list[Any] = [session, scoped, connection]
            done = [await async_offset_page(one, BY_NAME, offset=5, limit=4) for one in read]
        await scoped.remove()
        await engine.dispose()
        return done

    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")

    assert [page.data for page in asyncio.run(pages(engine))] == [expected] * 3


def test_rows_streamed_from_the_server_can_be_paged_by_asyncio_too(
    path: Path, expected: list[int]
) -> None:
    async def page(engine: AsyncEngine) -> Page[int]:
        async with AsyncSession(engine) as session:
            statement = BY_NAME.execution_options(yield_per=2)
            done = await async_offset_page(session, statement, offset=5, limit=4)
        await engine.dispose()
        return done

    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")

    assert asyncio.run(page(engine)).data == expected


def test_a_legacy_query_of_an_entity_gives_entities(engine: Engine, expected: list[int]) -> None:
    with Session(engine) as session:
        query = session.query(User).order_by(User.name).options(joinedload(User.notes))
        page = offset_page(session, query, offset=5, limit=4)

        assert [user.id for user in page.data] == expected
        assert page.meta.total_items == query.count() == 23


def test_a_legacy_query_of_columns_gives_whole_rows(engine: Engine) -> None:
    with Session(engine) as session:
        page = offset_page(session, session.query(User.id, User.name), limit=2)

    assert [dict(row) for row in page.data] == [
        {"id": 1, "name": "name 0"},
        {"id": 2, "name": "name 3"},
    ]


def test_a_legacy_query_keeps_its_parameters(engine: Engine) -> None:
    with Session(engine) as session:
        query = session.query(User).filter(User.score >= 1).limit(7)

        assert count(session, query) == 7


@pytest.mark.parametrize("statement", [Query([Hero]), select(Hero), model_select(Hero)])
def test_sqlmodel_entities_come_from_either_select(engine: Engine, statement: Any) -> None:
    with ModelSession(engine) as session:
        page = offset_page(session, statement, offset=3)

    assert [(hero.id, hero.name) for hero in page.data] == [(4, "hero 1"), (5, "hero 0")]
    assert page.meta.total_items == 5


def test_sqlmodel_entities_come_by_asyncio_without_a_warning(path: Path) -> None:
    async def page(engine: AsyncEngine) -> Page[Hero]:
        async with AsyncModelSession(engine) as session:
            done = await async_offset_page(session, model_select(Hero), limit=2)
        await engine.dispose()
        return done

    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")

    assert [hero.name for hero in asyncio.run(page(engine)).data] == ["hero 0", "hero 1"]


@pytest.mark.parametrize(
    ("statement", "cure"),
    [
        (select(User).join(User.notes).order_by(text("name")), "order by columns"),
        (select(User).join(User.notes).order_by("name"), "order by columns"),
        (select(User, Note).join(User.notes), "selectinload"),
        (select(User).join(User.notes).limit(3), "selectinload"),
        (select(User).join(User.notes).group_by(User.id, Note.kind), "selectinload"),
    ],
)
def test_entities_that_a_join_repeats_are_refused_where_they_cannot_be_paged(
    engine: Engine, statement: Any, cure: str
) -> None:
    eager = statement.options(contains_eager(User.notes))

    with Session(engine) as session, pytest.raises(StatementNotPageableError, match=cure):
        offset_page(session, eager, limit=2)
