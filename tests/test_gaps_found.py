"""What planted faults have shown to be untested."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    MetaData,
    Numeric,
    String,
    Table,
    and_,
    create_engine,
    event,
    func,
    insert,
    join,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.orm import Session, contains_eager

from sqla_pages import (
    AsyncCursorPagination,
    AsyncPagination,
    CursorCodec,
    CursorPagination,
    EstimatedCount,
    InvalidCursorError,
    OrderingNotTotalError,
    Pagination,
    cursor_page,
    offset_page,
    plan_count,
    plan_page,
)
from sqla_pages.cursor import Cursor
from sqla_pages.cursor_plan import cursor_plan
from sqla_pages.totals import Total
from sqla_session import AsyncSessionDependency, SessionDependency, SessionRegistry, setup
from sqla_session.statements import may_write

from .databases import Database
from .schema import Base, Note, Team, User, rows


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    with Session(engine) as session:
        Base.metadata.create_all(session.connection())
        for table, values in rows():
            session.execute(insert(table), values)
        session.commit()
        yield session
    engine.dispose()


user, note, team = (Base.metadata.tables[name] for name in ("user", "note", "team"))

# Statements whose own order leaves nothing open, so that the unpaged result is the order of pages.
ORDERED: dict[str, Callable[[], Any]] = {
    "by a label that hides a column": lambda: select(User.id, (-User.id).label("name")).order_by(
        "name"
    ),
    "by a coalesce of nullable columns": lambda: select(User.id).order_by(
        func.coalesce(User.score, User.team_id).desc(), User.id
    ),
    "by a column of a join within an outer join": lambda: (
        select(user.c.id, note.c.id)
        .select_from(user.outerjoin(join(note, team, team.c.id == 3), note.c.user_id == user.c.id))
        .order_by(team.c.name.desc(), user.c.id, note.c.id)
    ),
    "by a column that a join within an outer join compares": lambda: (
        select(user.c.id, note.c.id)
        .select_from(
            user.outerjoin(join(note, team, team.c.id == note.c.kind), note.c.user_id == user.c.id)
        )
        .order_by(note.c.kind.desc(), user.c.id, note.c.id)
    ),
    "by a condition that may be NULL": lambda: select(User.id).order_by(User.score > 1, User.id),
    "by NULLs after another key": lambda: select(User.id).order_by(
        User.name, User.score.nulls_last(), User.email
    ),
    "by a child's column, for entities that come repeatedly": lambda: (
        select(User)
        .join(User.notes)
        .options(contains_eager(User.notes))
        .order_by(Note.kind.desc(), Note.id)
    ),
}


@pytest.mark.parametrize("name", ORDERED)
def test_pages_are_in_the_order_of_the_statement_itself(session: Session, name: str) -> None:
    make = ORDERED[name]
    expected = [row[0] for row in session.execute(make()).unique()]
    found: list[Any] = []
    cursor = None
    while cursor is not None or not found:
        page = cursor_page(session, make(), limit=3, cursor=cursor)
        found += page.data
        cursor = page.meta.next_cursor
        assert len(found) <= len(expected)

    assert found == expected


def test_the_second_of_two_pages_of_one_row_has_a_way_back(session: Session) -> None:
    statement = select(User.id).order_by(User.id)
    first = cursor_page(session, statement, limit=1)
    second = cursor_page(session, statement, limit=1, cursor=first.meta.next_cursor)

    assert second.meta.previous_cursor is not None
    again = cursor_page(session, statement, limit=1, cursor=second.meta.previous_cursor)
    assert (again.data, again.meta.previous_cursor) == (first.data, None)


def test_a_cursor_of_an_order_with_nulls_at_the_other_end_is_refused(session: Session) -> None:
    first, last = (User.score.nulls_first(), User.score.nulls_last())
    cursor = cursor_page(session, select(User).order_by(first)).meta.next_cursor

    with pytest.raises(InvalidCursorError, match="another ordering"):
        cursor_page(session, select(User).order_by(last), cursor=cursor)


def test_a_cursor_of_another_database_is_one_of_another_ordering() -> None:
    statement = select(User).order_by(User.name)
    dialects = (sqlite.dialect(), mysql.dialect(), postgresql.dialect())

    assert len({cursor_plan(statement, dialect).fingerprint for dialect in dialects}) == 3


def test_a_forged_null_of_a_key_that_is_never_null_is_malformed(session: Session) -> None:
    statement = select(User).order_by(User.id)
    codec = CursorCodec()
    given = codec.decode(cursor_page(session, statement).meta.next_cursor or "")
    forged = codec.encode(Cursor("after", given.fingerprint, (None,)))

    with pytest.raises(InvalidCursorError) as caught:
        cursor_page(session, statement, cursor=forged)

    assert caught.value.reason == "malformed"


def test_a_text_that_ties_need_not_find_the_same_row_by_an_outer_join() -> None:
    country = Table(
        "country",
        MetaData(),
        Column("code", String(2), primary_key=True),
        Column("size", BigInteger, nullable=False),
    )
    city = Table(
        "city",
        country.metadata,
        Column("id", BigInteger, primary_key=True),
        Column("country", ForeignKey("country.code"), nullable=False),
    )
    found = and_(country.c.code == city.c.country, func.hex(city.c.country) == "41")
    statement = select(city.c.id).outerjoin(country, found)
    ordered = statement.order_by(city.c.country, country.c.size, city.c.id)

    assert plan_page(ordered, "sqlite").order == ("city.country", "country.size", "city.id")


def test_the_total_is_no_less_than_the_page_shows_though_rows_are_deleted_meanwhile() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        country = Table("country", MetaData(), Column("id", BigInteger, primary_key=True))
        country.create(connection)
        connection.execute(insert(country), [{"id": number} for number in range(10)])

        @event.listens_for(connection, "before_cursor_execute")
        def delete_all(_: Any, cursor: Any, sql: str, *__: Any) -> None:
            if "count(" in sql:
                cursor.execute("DELETE FROM country")

        page = offset_page(connection, select(country.c.id), limit=5)
    engine.dispose()

    assert (page.data, page.meta.total_items) == ([0, 1, 2, 3, 4], 5)


def test_a_count_that_stops_at_the_threshold_is_not_exact(session: Session) -> None:
    plan = """SELECT '[{"Plan": {"Plan Rows": 3}}]'"""  # of a table that has grown since
    steps = EstimatedCount(exact_below=5).total_steps(
        plan_count(select(User)), postgresql.dialect(), 0
    )
    next(steps)
    steps.send(session.execute(text(plan)))
    with pytest.raises(StopIteration) as stopped:
        steps.send(session.execute(text("SELECT 5")))

    assert stopped.value.value == Total(5, is_exact=False)


def test_nulls_within_a_tuple_go_where_they_go_by_default() -> None:
    statement = select(User).order_by(tuple_(User.score, User.team_id).nulls_first())

    order = plan_page(statement, "postgresql+psycopg2").order
    assert order == ('"user".score', '"user".team_id', '"user".id')


def test_a_name_of_two_tables_is_not_taken_for_that_of_one() -> None:
    statement = select(User.name).join(User.team).order_by("id")

    with pytest.raises(OrderingNotTotalError, match="order by columns"):
        plan_page(statement, "sqlite")


@pytest.mark.parametrize(
    ("statement", "writes"),
    [
        ("SELECT 1", False),
        ("WITH some AS (SELECT 1) SELECT * FROM some", False),
        ("WITH gone AS (DELETE FROM a RETURNING id) SELECT * FROM gone", True),
        ("WITH some AS (SELECT 1) INSERT INTO a SELECT * FROM some", True),
    ],
)
def test_a_with_may_write(statement: str, writes: bool) -> None:
    assert may_write(statement) is writes


@pytest.fixture
def two_keys(tmp_path: Path) -> dict[str, str]:
    """Settings of two keys with databases of their own, which hold the names of their keys."""
    settings: dict[str, str] = {}
    for key in ("default", "other"):
        file = tmp_path / f"{key}.sqlite"
        engine = create_engine(f"sqlite:///{file}")
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE named (name VARCHAR PRIMARY KEY)"))
            connection.execute(text("INSERT INTO named VALUES (:key)"), {"key": key})
        engine.dispose()
        prefix = "" if key == "default" else f"fastapi_sqla__{key}__"
        settings[f"{prefix}sqlalchemy_url"] = f"sqlite:///{file}"
    return settings


named = Table("named", MetaData(), Column("name", String, primary_key=True))


def test_a_key_leads_to_its_own_database(two_keys: dict[str, str]) -> None:
    registry = SessionRegistry(two_keys)

    async def names() -> list[Any]:
        async with registry.lifespan():
            with registry.open_session() as one, registry.open_session("other") as other:
                return [one.scalar(select(named)), other.scalar(select(named))]

    assert asyncio.run(names()) == ["default", "other"]


def test_an_object_of_an_asyncio_session_can_be_read_after_the_commit(tmp_path: Path) -> None:
    registry = SessionRegistry({"sqlalchemy_url": f"sqlite+aiosqlite:///{tmp_path}/team.sqlite"})

    async def name() -> str:
        async with registry.lifespan(), registry.open_async_session() as session:
            await (await session.connection()).run_sync(Team.__table__.create)
            session.add(team := Team(id=1, name="first"))
            await session.commit()
            return team.name

    assert asyncio.run(name()) == "first"


@pytest.mark.parametrize("path", ["/session", "/pages", "/cursor"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "asyncio"])
def test_an_endpoint_reads_from_the_database_of_its_key(
    two_keys: dict[str, str], path: str, is_async: bool
) -> None:
    app = FastAPI()
    if is_async:
        two_keys = {
            name: url.replace("sqlite:", "sqlite+aiosqlite:") for name, url in two_keys.items()
        }

        @app.get("/session")
        async def by_async_session(
            session: Annotated[Any, Depends(AsyncSessionDependency("other"))],
        ) -> list[str]:
            return [await session.scalar(select(named))]

        @app.get("/pages")
        async def by_async_pages(
            paginate: Annotated[Any, Depends(AsyncPagination("other"))],
        ) -> list[str]:
            return (await paginate(select(named.c.name))).data  # type: ignore[no-any-return]

        @app.get("/cursor")
        async def by_async_cursor(
            paginate: Annotated[Any, Depends(AsyncCursorPagination("other"))],
        ) -> list[str]:
            return (await paginate(select(named.c.name))).data  # type: ignore[no-any-return]

    else:

        @app.get("/session")
        def by_session(session: Annotated[Any, Depends(SessionDependency("other"))]) -> list[str]:
            return [session.scalar(select(named))]

        @app.get("/pages")
        def by_pages(paginate: Annotated[Any, Depends(Pagination("other"))]) -> list[str]:
            return paginate(select(named.c.name)).data  # type: ignore[no-any-return]

        @app.get("/cursor")
        def by_cursor(paginate: Annotated[Any, Depends(CursorPagination("other"))]) -> list[str]:
            return paginate(select(named.c.name)).data  # type: ignore[no-any-return]

    setup(app, SessionRegistry(two_keys))

    with TestClient(app) as client:
        assert client.get(path).json() == ["other"]


measured = Table(
    "measured",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("size", Numeric, nullable=False),
    Column("at", DateTime, nullable=False),
)


@pytest.fixture
def three_measured(database: Database) -> Iterator[Database]:
    with database.tables(measured.metadata):
        with database.connect() as connection:
            values = [
                {"id": 1, "size": Decimal(1), "at": datetime(2024, 1, 12)},
                {"id": 3, "size": Decimal("Infinity"), "at": datetime(2024, 2, 11)},
                {"id": 2, "size": Decimal("NaN"), "at": datetime(2024, 10, 2)},
            ]
            connection.execute(insert(measured), values)
        yield database


on_psycopg2 = pytest.mark.parametrize("database", ["postgresql+psycopg2"], indirect=True)


@on_psycopg2
def test_an_infinite_number_is_not_taken_for_none(three_measured: Database) -> None:
    statement = select(measured.c.id).order_by(measured.c.size)
    with three_measured.core() as caller:
        first = caller("cursor_page", statement, limit=2)
        last = caller("cursor_page", statement, limit=2, cursor=first.meta.next_cursor)

    assert (first.data, last.data) == ([1, 3], [2])


@on_psycopg2
def test_a_moment_is_the_same_in_every_style_of_dates(three_measured: Database) -> None:
    statement = select(measured.c.id).order_by(measured.c.at)
    with three_measured.core() as caller:
        caller.execute(text("SET DateStyle = 'SQL, DMY'"))
        first = caller("cursor_page", statement, limit=1)
        caller.execute(text("SET DateStyle = 'SQL, MDY'"))
        last = caller("cursor_page", statement, limit=2, cursor=first.meta.next_cursor)

    assert (first.data, last.data) == ([1], [3, 2])


def test_postgresql_is_not_told_that_a_key_is_constant_behind_the_first_range() -> None:
    thing = Table(
        "t",
        MetaData(),
        Column("id", BigInteger, primary_key=True),
        Column("a", BigInteger, nullable=False),
        Column("b", BigInteger, nullable=False),
    )
    dialect = postgresql.dialect(paramstyle="named")
    statement = select(thing.c.id).order_by(thing.c.a, thing.c.b.desc(), thing.c.id)
    plan = cursor_plan(statement, dialect)
    page = plan.page(Cursor("after", plan.fingerprint, (1, 2, 3)), 11).statement
    ranges = " ".join(str(page.compile(dialect=dialect)).split()).split("UNION ALL")

    assert "WHERE t.a = :_a0 AND t.b = :_a1 AND t.id > :_a2" in ranges[0]
    assert "WHERE t.a IN (:_a0, :_a0) AND t.b < :_a1" in ranges[1]
    assert "WHERE t.a > :_a0" in ranges[2]
