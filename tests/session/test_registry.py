"""Startup, shutdown, lifespan, set-up, reflection, and sessions outside of requests."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio.from_thread
import pytest
from fastapi import APIRouter, FastAPI, Request
from sqlalchemy import URL, Engine, NullPool, create_engine, event, select, text
from sqlalchemy.ext.declarative import DeferredReflection
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import Pool

import sqla_session
from sqla_session import Base, ConfigurationError, SessionRegistry, setup, setup_middlewares

from ..databases import Database
from .application import Application, Note, eventually, new_base, write

TWO = pytest.mark.parametrize(
    "database", ["postgresql+psycopg", "postgresql+asyncpg"], indirect=True
)
EACH = pytest.mark.parametrize("database", ["sqlite+pysqlite", "postgresql+asyncpg"], indirect=True)


@contextmanager
def counted(name: str, then: Callable[[], object] = lambda: None) -> Iterator[list[object]]:
    """Count an event on every pool."""
    seen: list[object] = []

    def listen(*arguments: object) -> None:
        seen.append(arguments)
        then()

    event.listen(Pool, name, listen)
    try:
        yield seen
    finally:
        event.remove(Pool, name, listen)


def registry_on(database: Database, base: Any = None, **settings: Any) -> SessionRegistry:
    return SessionRegistry(
        {"sqlalchemy_url": database.url_text, **settings}, base=base or new_base()
    )


def server_connections(url: URL) -> int:
    """How many connections the server has."""
    engine = create_engine(url.set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        found = connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        )
    engine.dispose()
    return int(found or 0)


def test_startup_connects_once_and_again_keeps_the_engines(database: Database) -> None:
    registry = registry_on(database)

    async def run() -> tuple[int, bool, int]:
        with counted("connect") as connects:
            await registry.startup()
            first = engine_of(registry, database)
            once = len(connects)
            await registry.startup()
            kept = engine_of(registry, database) is first
            twice = len(connects)
            await registry.shutdown()
        return once, kept, twice

    assert asyncio.run(run()) == (1, True, 1)


def engine_of(registry: SessionRegistry, database: Database) -> Engine:
    made = registry.async_session() if database.is_async else registry.session()
    bind: Any = made.get_bind()
    return bind


def test_shutdown_closes_every_connection_and_startup_can_follow(database: Database) -> None:
    registry = registry_on(database)

    async def run() -> None:
        with counted("connect") as opened, counted("close") as closed:
            await registry.startup()
            await registry.shutdown()
            assert (len(opened), len(closed)) == (1, 1)
            assert registry.keys == ()
            await registry.startup()
            assert registry.keys == ("default",)
            await registry.shutdown()
            assert (len(opened), len(closed)) == (2, 2)

    asyncio.run(run())


@TWO
def test_a_failed_startup_leaves_no_engine_of_any_key(
    database: Database, postgresql_url: URL
) -> None:
    registry = registry_on(
        database,
        fastapi_sqla__second__sqlalchemy_url="postgresql+psycopg://user@127.0.0.1:1/nowhere",
    )
    before = server_connections(postgresql_url)

    async def run() -> tuple[int, int]:
        with counted("connect") as opened, counted("close") as closed:
            with pytest.raises(ConfigurationError, match="session key 'second'"):
                await registry.startup()
            return len(opened), len(closed)

    assert asyncio.run(run()) == (1, 1)
    assert registry.keys == ()
    assert server_connections(postgresql_url) == before


class UnfitError(Exception):
    pass


def base_with(table: str) -> tuple[type[DeferredReflection], type]:
    base: Any = new_base()
    return base, type("Thing", (base,), {"__tablename__": table})


def base_that_raises(error: BaseException) -> type[DeferredReflection]:
    class Base(DeclarativeBase, DeferredReflection):
        __abstract__ = True

        @classmethod
        def prepare(cls, *arguments: Any, **options: Any) -> None:
            raise error

    return Base


@EACH
@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("no_such_table", "not available in the database.*no_such_table"),
        ("session_view", "could not assemble any primary key columns"),
    ],
)
def test_a_failed_reflection_says_why_and_leaves_no_engine(
    tables: Database, table: str, told: str
) -> None:
    with tables.connect() as connection:
        connection.execute(text("CREATE VIEW session_view AS SELECT body FROM session_note"))
    base, kept = base_with(table)
    registry = registry_on(tables, base)

    async def run() -> tuple[int, int]:
        with counted("connect") as opened, counted("close") as closed:
            with pytest.raises(ConfigurationError, match=f"'default'.*Base do not fit.*{told}"):
                await registry.startup()
            return len(opened), len(closed)

    try:
        opened, closed = asyncio.run(run())
    finally:
        with tables.connect() as connection:
            connection.execute(text("DROP VIEW session_view"))

    assert kept.__name__ == "Thing"
    assert opened == closed > 0
    assert registry.keys == ()


@EACH
def test_any_error_while_reflecting_leaves_no_engine(database: Database) -> None:
    registry = registry_on(database, base_that_raises(UnfitError("boom")))

    async def run() -> tuple[int, int]:
        with counted("connect") as opened, counted("close") as closed:
            with pytest.raises(UnfitError, match="boom"):
                await registry.startup()
            return len(opened), len(closed)

    opened, closed = asyncio.run(run())

    assert opened == closed > 0
    assert registry.keys == ()


@EACH
def test_a_second_startup_that_fails_keeps_the_engines_of_the_first(tables: Database) -> None:
    base = new_base()
    registry = registry_on(tables, base)

    async def run() -> tuple[str, ...]:
        await registry.startup()
        late = type("Late", (base,), {"__tablename__": "no_such_table"})
        with pytest.raises(ConfigurationError, match="no_such_table"):
            await registry.startup()
        assert late.__name__ == "Late"
        keys = registry.keys
        await registry.shutdown()
        return keys

    assert asyncio.run(run()) == ("default",)


@TWO
def test_a_cancelled_startup_leaves_no_engine(database: Database, postgresql_url: URL) -> None:
    registry = registry_on(database, fastapi_sqla__second__sqlalchemy_url=database.url_text)
    before = server_connections(postgresql_url)

    def cancel(scope: anyio.CancelScope) -> None:
        if database.is_async:
            scope.cancel()
        else:
            anyio.from_thread.run_sync(scope.cancel)

    async def run() -> list[object]:
        with (
            anyio.CancelScope() as scope,
            counted("connect", lambda: cancel(scope)) as opened,
        ):
            await registry.startup()
        assert scope.cancelled_caught
        assert registry.keys == ()
        return opened

    opened = asyncio.run(run())

    assert eventually(lambda: server_connections(postgresql_url) == before)
    assert len(opened) == 1  # held until here, so that no garbage collection closes it


def test_classes_are_reflected_at_startup(tables: Database) -> None:
    base: Any = new_base()
    thing: Any = type("Thing", (base,), {"__tablename__": "session_note"})
    application = Application(tables)
    application.registry = SessionRegistry({"sqlalchemy_url": tables.url_text}, base=base)
    app = application.app = FastAPI()
    setup(app, application.registry)

    def work(session: Session) -> str:
        session.add(thing(body="reflected"))
        session.flush()
        return session.scalars(select(thing.body)).one()

    application.get("/", work)

    assert application.call().json() == "reflected"


def test_several_rows_of_a_reflected_table_can_be_inserted_at_once() -> None:
    class Stone(Base):
        __tablename__ = "stone"

    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE stone (id INTEGER PRIMARY KEY, name TEXT)"))
        Base.prepare(connection)
        with Session(connection) as session:
            session.add_all([Stone(name=name) for name in ("agate", "beryl")])  # type: ignore[call-arg]
            session.flush()

            assert session.scalars(select(Stone.name)).all() == ["agate", "beryl"]  # type: ignore[attr-defined]
    engine.dispose()
    Base.metadata.remove(Base.metadata.tables["stone"])


@EACH
def test_setup_keeps_the_lifespan_of_an_application_and_its_state(tables: Database) -> None:
    order: list[str] = []

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        order.append(f"up, keys {application.registry.keys}")
        yield {"word": "state"}
        order.append(f"down, keys {application.registry.keys}")

    app = FastAPI(lifespan=own)
    application = Application(tables, app)

    @app.get("/")
    def endpoint(request: Request) -> str:
        return request.state.word

    assert application.call().json() == "state"
    assert order == ["up, keys ('default',)", "down, keys ('default',)"]
    assert application.registry.keys == ()


@pytest.mark.parametrize("database", ["sqlite+pysqlite"], indirect=True)
def test_setup_keeps_the_startup_functions_of_routers(tables: Database) -> None:
    order: list[str] = []
    included = APIRouter(on_startup=[lambda: order.append("included")])
    app = FastAPI(on_startup=[lambda: order.append("own")])
    application = Application(tables, app)
    app.include_router(included)

    with application.client():
        assert set(order) == {"included", "own"}  # FastAPI itself runs an included one twice


@pytest.mark.parametrize("database", ["sqlite+pysqlite"], indirect=True)
def test_setup_keeps_the_lifespan_of_a_router_included_later(tables: Database) -> None:
    order: list[str] = []

    @asynccontextmanager
    async def of_router(app: Any) -> AsyncIterator[dict[str, str]]:
        order.append("router up")
        yield {"router": "state"}

    application = Application(tables)
    application.app.include_router(APIRouter(lifespan=of_router))

    @application.app.get("/")
    def endpoint(request: Request) -> str:
        return request.state.router

    assert application.call().json() == "state"
    assert order == ["router up"]


@EACH
def test_an_own_lifespan_that_fails_still_closes_the_connections(tables: Database) -> None:
    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[None]:
        raise UnfitError("own")
        yield

    application = Application(tables, FastAPI(lifespan=own))

    with (
        counted("connect") as opened,
        counted("close") as closed,
        pytest.raises(UnfitError),
        application.client(),
    ):
        pass

    assert len(opened) == len(closed) > 0
    assert application.registry.keys == ()


@pytest.mark.parametrize("database", ["sqlite+pysqlite"], indirect=True)
def test_setting_up_twice_changes_nothing(application: Application) -> None:
    setup(application.app, application.registry)
    application.get("/", write("kept"))

    assert application.call().status_code == 200
    assert application.notes() == ["kept"]


@pytest.mark.parametrize("database", ["sqlite+pysqlite"], indirect=True)
def test_the_lifespan_alone_and_the_middleware_alone_are_a_setup(tables: Database) -> None:
    application = Application(tables)
    application.app = FastAPI(lifespan=application.registry.lifespan)
    setup_middlewares(application.app, application.registry)
    application.get("/", write("kept"))

    assert application.call().status_code == 200
    assert application.notes() == ["kept"]


def open_and(application: Application, work: Any) -> None:
    """Run a work in a session outside of any request."""
    registry = application.registry

    async def run() -> None:
        async with registry.lifespan():
            try:
                if application.database.is_async:
                    async with registry.open_async_session() as session:
                        await session.run_sync(work)
                else:
                    with registry.open_session() as session:
                        work(session)
            finally:
                assert application.checked_out() == 0

    asyncio.run(run())


def test_a_session_opened_outside_of_a_request_commits(application: Application) -> None:
    open_and(application, write("kept"))

    assert application.notes() == ["kept"]


def test_a_session_opened_outside_of_a_request_rolls_back_on_an_exception(
    application: Application,
) -> None:
    def work(session: Session) -> None:
        write("lost")(session)
        raise UnfitError("boom")

    with pytest.raises(UnfitError, match="boom"):
        open_and(application, work)

    assert application.notes() == []


@TWO
def test_a_session_opened_outside_of_a_request_raises_for_a_swallowed_failure(
    application: Application,
) -> None:
    def work(session: Session) -> None:
        write("lost")(session)
        try:
            session.execute(text("SELECT 1 / 0"))
        except Exception:
            pass

    with pytest.raises(Exception, match="current transaction is aborted"):
        open_and(application, work)

    assert application.notes() == []


@TWO
def test_a_savepoint_rolled_back_after_a_failure_lets_the_rest_commit(
    application: Application,
) -> None:
    def work(session: Session) -> None:
        write("kept")(session)
        savepoint = session.begin_nested()
        try:
            session.execute(text("SELECT 1 / 0"))
        except Exception:
            savepoint.rollback()

    open_and(application, work)

    assert application.notes() == ["kept"]


BY_DEFAULT = """
import sys
sys.path.insert(0, sys.argv[1])
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqla_session import Base, Session, SessionMiddleware, lifespan, open_session, setup

class Thing(Base):
    __tablename__ = "thing"

{app}

@app.post("/")
def add(session: Session) -> None:
    session.add(Thing(name="posted"))

with TestClient(app) as client:
    client.post("/")
    with open_session() as session:
        session.add(Thing(name="opened"))
    with open_session() as session:
        print(*session.scalars(select(Thing.name).order_by(Thing.name)))
"""


@pytest.mark.parametrize(
    "app",
    [
        "app = FastAPI(); setup(app)",
        "app = FastAPI(lifespan=lifespan); app.add_middleware(SessionMiddleware)",
    ],
)
def test_the_functions_of_the_package_work_by_the_environment(tmp_path: Path, app: str) -> None:
    file = tmp_path / "things.sqlite"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT)")
    connection.close()
    root = Path(sqla_session.__file__).parent.parent

    run = subprocess.run(
        [sys.executable, "-c", BY_DEFAULT.format(app=app), str(root)],
        env={"SQLALCHEMY_URL": f"sqlite:///{file}"},
        capture_output=True,
        text=True,
    )

    assert (run.stdout.split(), run.stderr) == (["opened", "posted"], "")


@pytest.mark.parametrize("database", ["sqlite+aiosqlite"], indirect=True)
def test_an_object_of_an_asyncio_session_can_be_read_after_the_commit(tables: Database) -> None:
    registry = registry_on(tables)

    async def name() -> str:
        async with registry.lifespan(), registry.open_async_session() as session:
            session.add(note := Note(id=1, body="first"))
            await session.commit()
            return note.body

    assert asyncio.run(name()) == "first"
