"""The dependencies: every spelling, one session per key and request, clear refusals."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.responses import Response
from fastapi.testclient import TestClient
from sqlalchemy import Column, MetaData, String, Table, create_engine, event, func, insert, select
from sqlalchemy.orm import Query

import sqla_session
from sqla_pages import AsyncCursorPagination, AsyncPagination, CursorPagination, Pagination
from sqla_session import (
    AsyncSession,
    AsyncSessionDependency,
    ConfigurationError,
    NoSessionInScopeError,
    Session,
    SessionDependency,
    SessionRegistry,
    SqlaAsyncSession,
    SqlaSession,
    UnknownSessionKeyError,
    setup,
    setup_middlewares,
)

from ..databases import Database
from .application import Application, Note, new_base, write

SYNC = pytest.mark.parametrize("database", ["sqlite+pysqlite"], indirect=True)
ASYNC = pytest.mark.parametrize("database", ["sqlite+aiosqlite"], indirect=True)
BOTH = pytest.mark.parametrize(
    "database", ["sqlite+pysqlite", "sqlite+aiosqlite", "postgresql+asyncpg"], indirect=True
)


def raised_by(app: FastAPI) -> BaseException:
    with TestClient(app) as client, pytest.raises(Exception) as caught:  # noqa: PT011
        client.get("/")
    return caught.value


def annotated(session: Session) -> int:
    return session.scalar(select(7)) or 0


def annotated_by_key(session: Annotated[SqlaSession, Depends(SessionDependency())]) -> int:
    return session.scalar(select(7)) or 0


def by_default_value(session: SqlaSession = Depends(SessionDependency())) -> int:
    return session.scalar(select(7)) or 0


def by_default_value_and_key(
    session: SqlaSession = Depends(SessionDependency(key="default")),
) -> int:
    return session.scalar(select(7)) or 0


async def sync_in_async(session: Session) -> int:
    return session.scalar(select(7)) or 0


@SYNC
@pytest.mark.parametrize(
    "endpoint",
    [
        annotated,
        annotated_by_key,
        by_default_value,
        by_default_value_and_key,
        sync_in_async,
    ],
)
def test_the_sync_dependency_in_each_spelling(application: Application, endpoint: Any) -> None:
    application.app.get("/")(endpoint)

    assert application.call().json() == 7


async def async_annotated(session: AsyncSession) -> int:
    return await session.scalar(select(7)) or 0


async def async_annotated_by_key(
    session: Annotated[SqlaAsyncSession, Depends(AsyncSessionDependency())],
) -> int:
    return await session.scalar(select(7)) or 0


async def async_by_default_value(
    session: SqlaAsyncSession = Depends(AsyncSessionDependency(key="default")),
) -> int:
    return await session.scalar(select(7)) or 0


@ASYNC
@pytest.mark.parametrize(
    "endpoint", [async_annotated, async_annotated_by_key, async_by_default_value]
)
def test_the_asyncio_dependency_in_each_spelling(application: Application, endpoint: Any) -> None:
    application.app.get("/")(endpoint)

    assert application.call().json() == 7


@BOTH
def test_one_session_for_each_key_and_request(tables: Database) -> None:
    application = Application(tables, fastapi_sqla__other__sqlalchemy_url=tables.url_text)
    made = AsyncSessionDependency if tables.is_async else SessionDependency
    seen: list[Any] = []

    async def nested(session: Annotated[Any, Depends(made(key="default"))]) -> Any:
        return session

    async def endpoint(
        one: Annotated[Any, Depends(made())],
        uncached: Annotated[Any, Depends(made(), use_cache=False)],
        from_nested: Annotated[Any, Depends(nested)],
        other: Annotated[Any, Depends(made(key="other"))],
        other_case: Annotated[Any, Depends(made(key="OTHER"))],
    ) -> None:
        seen.append([one, uncached, from_nested, other, other_case])

    application.app.get("/")(endpoint)
    with application.client() as client:
        client.get("/")
        client.get("/")

    [first, second] = seen
    assert first[0] is first[1] is first[2]
    assert first[3] is first[4]
    assert first[0] is not first[3]
    assert first[0] is not second[0]


@SYNC
def test_an_unknown_key_lists_the_known_ones(tables: Database) -> None:
    application = Application(tables, fastapi_sqla__other__sqlalchemy_url=tables.url_text)

    def endpoint(session: Annotated[SqlaSession, Depends(SessionDependency(key="nope"))]) -> None:
        pass

    application.app.get("/")(endpoint)

    error = raised_by(application.app)

    assert isinstance(error, UnknownSessionKeyError)
    assert str(error) == "no session key 'nope'; known keys: 'default', 'other'"


def test_a_key_asked_for_before_startup_says_so() -> None:
    with (
        pytest.raises(UnknownSessionKeyError, match="none, since startup\\(\\) has not run"),
        SessionRegistry({}).open_session(),
    ):
        pass


def test_an_application_without_the_middleware_is_told_what_to_call() -> None:
    app = FastAPI()
    app.get("/")(by_default_value)

    error = raised_by(app)

    assert isinstance(error, NoSessionInScopeError)
    assert "sqla_session.setup_middlewares(app)" in str(error)


@SYNC
@pytest.mark.parametrize("also_sync", [False, True])
def test_a_sync_key_asked_for_as_asyncio_names_the_right_dependency(
    application: Application, also_sync: bool
) -> None:
    async def both(session: Session, wrong: AsyncSession) -> None:
        pass

    application.app.get("/")(both if also_sync else async_annotated)

    error = raised_by(application.app)

    assert isinstance(error, ConfigurationError)
    assert str(error) == (
        "session key 'default' is configured with a sync dialect: "
        "use Session, SessionDependency or open_session"
    )


@ASYNC
@pytest.mark.parametrize("also_async", [False, True])
def test_an_asyncio_key_asked_for_as_sync_names_the_right_dependency(
    application: Application, also_async: bool
) -> None:
    async def both(session: AsyncSession, wrong: Session) -> None:
        pass

    application.app.get("/")(both if also_async else by_default_value)

    error = raised_by(application.app)

    assert isinstance(error, ConfigurationError)
    assert str(error) == (
        "session key 'default' is configured with an asyncio dialect: "
        "use AsyncSession, AsyncSessionDependency or open_async_session"
    )


@SYNC
def test_the_session_is_sqlmodels_where_it_is_installed(application: Application) -> None:
    import sqlmodel

    def endpoint(session: Session) -> list[str]:
        assert isinstance(session, sqlmodel.Session)
        session.add(Note(body="found"))
        return [note.body for note in session.exec(sqlmodel.select(Note))]

    application.app.get("/")(endpoint)

    assert application.call().json() == ["found"]
    assert application.notes() == ["found"]


@ASYNC
def test_the_asyncio_session_is_sqlmodels_where_it_is_installed(
    application: Application,
) -> None:
    import sqlmodel
    from sqlmodel.ext.asyncio.session import AsyncSession as ModelsSession

    async def endpoint(session: AsyncSession) -> list[str]:
        assert isinstance(session, ModelsSession)
        session.add(Note(body="found"))
        return [note.body for note in await session.exec(sqlmodel.select(Note))]

    application.app.get("/")(endpoint)

    assert application.call().json() == ["found"]
    assert application.notes() == ["found"]


@SYNC
@pytest.mark.filterwarnings("ignore:\\s*🚨 You probably want:DeprecationWarning")
def test_legacy_queries_run(application: Application) -> None:
    def endpoint(session: Session) -> list[str]:
        session.add(Note(body="found"))
        return [note.body for note in session.query(Note).order_by(Note.id)]

    application.app.get("/")(endpoint)

    assert application.call().json() == ["found"]


@SYNC
def test_a_legacy_query_made_apart_runs_on_the_session(application: Application) -> None:
    application.get("/", lambda session: Query([Note], session=session).count())

    assert application.call().json() == 0


@BOTH
def test_a_session_kept_beyond_its_request_refuses_to_begin(application: Application) -> None:
    kept: list[Any] = []
    application.get("/", lambda session: kept.append(session))
    application.get("/late", lambda session: write("lost")(kept[0]))

    with application.client() as client:
        client.get("/")
        response = client.get("/late")
        left = application.checked_out()

    assert response.status_code == 500
    assert application.notes() == []
    assert left == 0


@SYNC
def test_a_thread_that_outlives_its_request_is_told_to_open_a_session(
    application: Application,
) -> None:
    over = threading.Event()
    told: list[str] = []

    def work(session: SqlaSession) -> None:
        over.wait(5)
        try:
            session.execute(select(1))
        except NoSessionInScopeError as error:
            told.append(str(error))

    threads: list[threading.Thread] = []

    def endpoint(session: Session) -> None:
        threads.append(threading.Thread(target=work, args=[session]))
        threads[0].start()

    application.app.get("/")(endpoint)
    with application.client() as client:
        client.get("/")
        over.set()
        threads[0].join()
        left = application.checked_out()

    assert len(told) == 1
    assert "use open_session" in told[0]
    assert left == 0


@BOTH
def test_a_mounted_application_uses_the_sessions_of_its_parent(
    application: Application,
) -> None:
    inner = FastAPI()
    inner.get("/")(application.endpoint(write("kept")))
    application.app.mount("/inner", inner)

    assert application.call("/inner/").status_code == 200
    assert application.notes() == ["kept"]


@BOTH
def test_parent_and_mounted_application_with_one_registry_commit_once(
    application: Application,
) -> None:
    inner = FastAPI()
    setup_middlewares(inner, application.registry)
    commits: list[str] = []

    def work(session: SqlaSession) -> None:
        event.listen(session, "after_commit", lambda session: commits.append("commit"))
        write("kept")(session)

    inner.get("/")(application.endpoint(work))
    application.app.mount("/inner", inner)

    assert application.call("/inner/").status_code == 200
    assert application.notes() == ["kept"]
    assert commits == ["commit"]


@BOTH
@pytest.mark.parametrize(("status", "kept"), [(200, ["kept"]), (400, [])])
def test_a_mounted_application_may_have_its_own_registry(
    tables: Database, status: int, kept: list[str]
) -> None:
    outer, inner = Application(tables), Application(tables)
    inner.get("/", write("kept", answer=Response(status_code=status)))
    outer.app.mount("/inner", inner.app)

    # Nobody runs the lifespan of a mounted application.
    with outer.client() as client:
        assert client.portal is not None
        client.portal.call(inner.registry.startup)
        response = client.get("/inner/")
        left = inner.checked_out()
        client.portal.call(inner.registry.shutdown)

    assert response.status_code == status
    assert outer.notes() == kept
    assert left == 0


def test_sqlite_in_memory_is_one_database_for_all_threads() -> None:
    registry = SessionRegistry({"sqlalchemy_url": "sqlite://"}, base=new_base())

    def in_a_thread(work: Any) -> Any:
        results: list[Any] = []
        thread = threading.Thread(target=lambda: results.append(work()))
        thread.start()
        thread.join()
        return results[0]

    def create() -> None:
        with registry.open_session() as session:
            Note.metadata.create_all(session.connection())
            session.add(Note(body="one"))

    def count() -> int | None:
        with registry.open_session() as session:
            return session.scalar(select(func.count(Note.id)))

    asyncio.run(registry.startup())
    in_a_thread(create)
    counted = in_a_thread(count)
    asyncio.run(registry.shutdown())

    assert counted == 1


WITHOUT_GREENLET = """
import sys
sys.modules["greenlet"] = None
sys.path.insert(0, sys.argv[1])
from fastapi import FastAPI
from fastapi.responses import Response
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqla_session import Session, SessionRegistry, setup
registry = SessionRegistry({"sqlalchemy_url": "sqlite:///" + sys.argv[2]})
app = FastAPI()
setup(app, registry)

@app.get("/")
def endpoint(session: Session) -> int:
    session.execute(text("CREATE TABLE kept (id INTEGER)"))
    session.execute(text("INSERT INTO kept VALUES (7)"))
    return session.scalar(text("SELECT id FROM kept"))

with TestClient(app) as client:
    print(client.get("/").text)
print("sqla_session.async_session" in sys.modules)
"""


def test_sync_sessions_work_without_greenlet(tmp_path: Path) -> None:
    root = Path(sqla_session.__file__).parent.parent
    file = tmp_path / "kept.sqlite"

    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_GREENLET, str(root), str(file)],
        capture_output=True,
        text=True,
    )

    assert (run.stdout.split(), run.stderr) == (["7", "False"], "")
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT id FROM kept").fetchall() == [(7,)]
    connection.close()


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        sqla_session.nope  # noqa: B018


named = Table("named", MetaData(), Column("name", String, primary_key=True))


@pytest.fixture
def two_keys(tmp_path: Path) -> dict[str, str]:
    """Settings of two keys with databases of their own, which hold the names of their keys."""
    settings: dict[str, str] = {}
    for key in ("default", "other"):
        file = tmp_path / f"{key}.sqlite"
        engine = create_engine(f"sqlite:///{file}")
        with engine.begin() as connection:
            named.metadata.create_all(connection)
            connection.execute(insert(named), {"name": key})
        engine.dispose()
        prefix = "" if key == "default" else f"fastapi_sqla__{key}__"
        settings[f"{prefix}sqlalchemy_url"] = f"sqlite:///{file}"
    return settings


def test_a_key_leads_to_its_own_database(two_keys: dict[str, str]) -> None:
    registry = SessionRegistry(two_keys)

    async def names() -> list[Any]:
        async with registry.lifespan():
            with registry.open_session() as one, registry.open_session("other") as other:
                return [one.scalar(select(named)), other.scalar(select(named))]

    assert asyncio.run(names()) == ["default", "other"]


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
