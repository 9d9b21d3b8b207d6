"""A commit that fails is never acknowledged, and leaves nothing behind."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import pytest
from fastapi import Depends, Request
from fastapi.responses import JSONResponse, Response
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session
from starlette.middleware.base import BaseHTTPMiddleware

from sqla_session import SessionDependency, SqlaSession

from ..databases import Database
from .application import Application, Message, Note, Outside, Reply, read, write

DEFERRED = pytest.mark.parametrize(
    "database",
    [
        "sqlite+pysqlite",
        "sqlite+aiosqlite",
        "postgresql+psycopg2",
        "postgresql+psycopg",
        "postgresql+asyncpg",
    ],
    indirect=True,
)
POSTGRESQL = pytest.mark.parametrize(
    "database", ["postgresql+psycopg2", "postgresql+psycopg", "postgresql+asyncpg"], indirect=True
)
TWO = pytest.mark.parametrize(
    "database", ["postgresql+psycopg", "postgresql+asyncpg"], indirect=True
)
SERVERS = pytest.mark.parametrize(
    "database",
    [
        "postgresql+psycopg2",
        "postgresql+psycopg",
        "postgresql+asyncpg",
        "mariadb+pymysql",
        "mariadb+asyncmy",
    ],
    indirect=True,
)


class RefusedError(Exception):
    pass


def refuse_commit(session: Session) -> None:
    """Write, and fail at the commit, on any database."""
    value = "secret-row"
    write(value)(session)

    def refuse(session: Session) -> None:
        raise RefusedError(value)

    event.listen(session, "before_commit", refuse)


def reply_to_nothing(session: Session) -> None:
    """Violate a constraint that the database checks at the commit."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA foreign_keys = ON"))
    session.add(Note(body="lost"))
    session.add(Reply(topic_id=987654321))
    session.flush()


def kill(session: Session) -> None:
    """End the server's side of the session's connection, from another one."""
    bind: Any = session.get_bind()
    dialect = bind.dialect.name
    own = "SELECT pg_backend_pid()" if dialect == "postgresql" else "SELECT connection_id()"
    backend = session.scalar(text(own))
    driver = {"postgresql": "postgresql+psycopg", "mysql": "mariadb+pymysql"}
    url = bind.url.set(drivername=driver["postgresql" if dialect == "postgresql" else "mysql"])
    engine = create_engine(url)
    with engine.connect() as connection:
        if dialect == "postgresql":
            connection.execute(
                text("SELECT pg_terminate_backend(:backend, 5000)"), {"backend": backend}
            )
        else:
            connection.execute(text(f"KILL CONNECTION {backend:d}"))
    engine.dispose()


def write_and_be_killed(session: Session) -> None:
    write("lost")(session)
    kill(session)


@DEFERRED
def test_a_constraint_that_fails_at_the_commit_answers_a_plain_500(
    linked: Application,
) -> None:
    linked.get("/", reply_to_nothing)
    messages: list[Message] = []

    with linked.client(Outside(linked.app, messages.append)) as client:
        response = client.get("/")
        left = linked.checked_out()

    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["content-length"] == "21"
    assert [message["type"] for message in messages] == [
        "http.response.start",
        "http.response.body",
    ]
    assert linked.notes() == []
    assert left == 0


@DEFERRED
def test_a_failed_commit_leaves_nothing_open_for_the_next_request(linked: Application) -> None:
    linked.get("/bad", reply_to_nothing)
    linked.get("/good", write("kept"))

    with linked.client() as client:
        bad, good = client.get("/bad"), client.get("/good")

    assert (bad.status_code, good.status_code) == (500, 200)
    assert linked.notes() == ["kept"]


def test_a_commit_refused_by_a_listener_answers_a_plain_500(application: Application) -> None:
    application.get("/", refuse_commit)

    with application.client() as client:
        response = client.get("/")
        left = application.checked_out()

    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert application.notes() == []
    assert left == 0


@DEFERRED
def test_the_log_of_a_failed_commit_holds_no_value_of_the_row(
    linked: Application, caplog: pytest.LogCaptureFixture
) -> None:
    linked.get("/", reply_to_nothing)

    with caplog.at_level(logging.DEBUG, logger="sqla_session"):
        linked.call()

    [record] = [record for record in caplog.records if record.name == "sqla_session"]
    told = logging.Formatter().format(record)
    assert told.startswith("commit failed, answering 500: sqlalchemy.exc.IntegrityError from ")
    assert "987654321" not in told
    assert "lost" not in told


def test_the_log_of_a_refused_commit_holds_no_word_of_the_error(
    application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    application.get("/", refuse_commit)

    application.call()

    [record] = [record for record in caplog.records if record.name == "sqla_session"]
    told = logging.Formatter().format(record)
    assert told.startswith("commit failed, answering 500: tests.session.test_failures.RefusedError")
    assert "secret-row" not in told


@TWO
def test_nothing_that_should_follow_a_success_runs_after_a_failed_commit(
    application: Application,
) -> None:
    ran: list[str] = []
    application.get("/task", refuse_commit, later=lambda session: ran.append("task"))
    application.get("/stream", refuse_commit, stream=[lambda session: ran.append("stream")])

    with application.client() as client:
        answers = [client.get(path) for path in ("/task", "/stream")]

    assert [(answer.status_code, answer.text) for answer in answers] == [
        (500, "Internal Server Error")
    ] * 2
    assert ran == []


@TWO
@pytest.mark.parametrize("kind", [RefusedError, Exception, 500])
def test_an_exception_handler_for_that_error_leads_to_no_second_response(
    application: Application, kind: Any
) -> None:
    async def answer(request: Request, error: Exception) -> Response:
        return Response("handled", status_code=418)

    application.app.add_exception_handler(kind, answer)
    application.get("/", refuse_commit)
    messages: list[Message] = []

    with application.client(Outside(application.app, messages.append)) as client:
        response = client.get("/")

    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert [message["type"] for message in messages] == [
        "http.response.start",
        "http.response.body",
    ]


async def catch(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    try:
        return await call_next(request)
    except Exception:
        return JSONResponse({"caught": True}, status_code=200)


class CatchAll:
    """A middleware that answers 200 to whatever is raised."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception:
            await JSONResponse({"caught": True})(scope, receive, send)


@TWO
@pytest.mark.parametrize("place", ["inside", "outside"])
@pytest.mark.parametrize("middleware", [(BaseHTTPMiddleware, {"dispatch": catch}), (CatchAll, {})])
def test_middlewares_that_catch_everything_do_not_hide_a_failed_commit(
    application: Application, place: str, middleware: tuple[Any, dict[str, Any]]
) -> None:
    kind, options = middleware
    application.app.add_middleware(kind, **options)
    if place == "inside":
        application.app.user_middleware.append(application.app.user_middleware.pop(0))
    ran: list[str] = []
    application.get("/", refuse_commit, later=lambda session: ran.append("task"))

    response = application.call()

    assert (response.status_code, response.text, ran) == (500, "Internal Server Error", [])
    assert application.notes() == []


def test_a_failed_flush_that_the_endpoint_swallows_is_not_answered_with_success(
    application: Application,
) -> None:
    def work(session: Session) -> str:
        write("same")(session)
        try:
            write("same")(session)
        except IntegrityError:
            pass
        return "saved"

    application.get("/", work)

    with application.client() as client:
        response = client.get("/")
        left = application.checked_out()

    # A failed flush rolls the transaction back by itself: SQLAlchemy refuses the commit.
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert application.notes() == []
    assert left == 0


@POSTGRESQL
def test_a_failed_statement_that_the_endpoint_swallows_is_not_answered_with_success(
    application: Application,
) -> None:
    def work(session: Session) -> str:
        write("lost")(session)
        try:
            session.execute(text("SELECT 1 / 0"))
        except SQLAlchemyError:
            pass
        return "saved"

    application.get("/bad", work)
    application.get("/good", write("kept"))

    with application.client() as client:
        bad, good = client.get("/bad"), client.get("/good")

    assert (bad.status_code, good.status_code) == (500, 200)
    assert application.notes() == ["kept"]


@SERVERS
def test_a_connection_killed_before_the_commit_is_a_500_and_the_next_request_works(
    application: Application,
) -> None:
    application.get("/killed", write_and_be_killed)
    application.get("/next", write("kept"))

    with application.client() as client:
        killed = client.get("/killed")
        left = application.checked_out()
        following = client.get("/next")

    assert (killed.status_code, killed.text) == (500, "Internal Server Error")
    assert following.status_code == 200
    assert application.notes() == ["kept"]
    assert left == 0


@SERVERS
@pytest.mark.parametrize("status", [404, 503])
def test_a_connection_killed_before_the_rollback_changes_no_answer(
    application: Application, status: int
) -> None:
    def work(session: Session) -> Response:
        write_and_be_killed(session)
        return Response("own answer", status_code=status)

    application.get("/killed", work)
    application.get("/next", write("kept"))

    with application.client() as client:
        killed = client.get("/killed")
        left = application.checked_out()
        following = client.get("/next")

    assert (killed.status_code, killed.text) == (status, "own answer")
    assert following.status_code == 200
    assert application.notes() == ["kept"]
    assert left == 0


@SERVERS
def test_a_connection_killed_before_an_exception_does_not_hide_the_exception(
    application: Application,
) -> None:
    def work(session: Session) -> None:
        write_and_be_killed(session)
        raise RefusedError("the endpoint's own")

    application.get("/", work)
    seen: list[str] = []

    async def outside(scope: Any, receive: Any, send: Any) -> None:
        try:
            await application.app(scope, receive, send)
        except Exception as error:
            seen.append(str(error))

    with application.client(outside) as client:
        client.get("/")
        left = application.checked_out()

    assert seen == ["the endpoint's own"]
    assert left == 0


@SERVERS
def test_a_connection_killed_after_the_response_began_ends_quietly(
    application: Application,
) -> None:
    application.get("/", write("kept"), later=write_and_be_killed)

    with application.client() as client:
        response = client.get("/")
        left = application.checked_out()
        following = client.get("/")

    assert response.status_code == 200
    assert application.notes() == ["kept"]
    assert left == 0
    assert following.status_code == 500  # the row is there already


def keyed(database: Database) -> Application:
    """An application with a second key on the same database."""
    return Application(database, fastapi_sqla__second__sqlalchemy_url=database.url_text)


def with_both(application: Application, first: Any, second: Any) -> None:
    """At /, an endpoint that works on the default and on the second session."""
    if not application.database.is_async:

        def synchronous(
            one: Annotated[SqlaSession, Depends(SessionDependency())],
            other: Annotated[SqlaSession, Depends(SessionDependency(key="second"))],
        ) -> None:
            first(one)
            second(other)

        application.app.get("/")(synchronous)
        return

    from sqla_session import AsyncSessionDependency, SqlaAsyncSession

    async def asynchronous(
        one: Annotated[SqlaAsyncSession, Depends(AsyncSessionDependency())],
        other: Annotated[SqlaAsyncSession, Depends(AsyncSessionDependency(key="second"))],
    ) -> None:
        await one.run_sync(first)
        await other.run_sync(second)

    application.app.get("/")(asynchronous)


def add_twice(session: Session) -> None:
    session.add_all([Note(body="twice"), Note(body="twice")])


@SERVERS
def test_two_keys_are_both_committed(tables: Database) -> None:
    application = keyed(tables)
    with_both(application, write("first"), write("second"))

    assert application.call().status_code == 200
    assert application.notes() == ["first", "second"]


@SERVERS
def test_a_failing_flush_of_the_second_key_leaves_the_first_uncommitted(
    tables: Database,
) -> None:
    application = keyed(tables)
    with_both(application, write("first"), add_twice)

    with application.client() as client:
        response = client.get("/")
        left = application.checked_out(), application.checked_out("second")

    assert response.status_code == 500
    assert application.notes() == []
    assert left == (0, 0)


@SERVERS
def test_a_failed_flush_of_the_second_key_that_is_swallowed_leaves_the_first_uncommitted(
    tables: Database,
) -> None:
    def swallow(session: Session) -> None:
        try:
            add_twice(session)
            session.flush()
        except IntegrityError:
            pass

    application = keyed(tables)
    with_both(application, write("first"), swallow)

    assert application.call().status_code == 500
    assert application.notes() == []


@POSTGRESQL
def test_a_failed_statement_of_the_second_key_that_is_swallowed_leaves_the_first_uncommitted(
    tables: Database,
) -> None:
    def swallow(session: Session) -> None:
        try:
            session.execute(text("SELECT 1 / 0"))
        except SQLAlchemyError:
            pass

    application = keyed(tables)
    with_both(application, write("first"), swallow)

    assert application.call().status_code == 500
    assert application.notes() == []


@TWO
def test_a_key_whose_connection_is_lost_does_not_keep_the_other_from_being_closed(
    tables: Database,
) -> None:
    application = keyed(tables)

    def fail(session: Session) -> None:
        write("second")(session)
        raise RefusedError

    with_both(application, write_and_be_killed, fail)

    with application.client() as client:
        response = client.get("/")
        left = application.checked_out(), application.checked_out("second")

    assert response.status_code == 500
    assert application.notes() == []
    assert left == (0, 0)


SMALL = {
    "sqlalchemy_pool_size": "1",
    "sqlalchemy_max_overflow": "0",
    "sqlalchemy_pool_timeout": "1",
}


@contextmanager
def held_connection(application: Application, client: TestClient) -> Iterator[None]:
    """Take one connection out of the pool."""
    engine = application.engine()
    if not application.database.is_async:
        with engine.connect():
            yield
        return
    connection = AsyncEngine(engine).connect()
    assert client.portal is not None
    client.portal.call(connection.start)
    yield
    client.portal.call(connection.close)


@TWO
def test_an_exhausted_pool_is_a_clear_error_and_leaks_nothing(tables: Database) -> None:
    application = Application(tables, **SMALL)
    application.get("/", read)
    seen: list[str] = []

    async def outside(scope: Any, receive: Any, send: Any) -> None:
        try:
            await application.app(scope, receive, send)
        except Exception as error:
            seen.append(str(error))
            raise

    with application.client(outside) as client:
        with held_connection(application, client):
            exhausted = client.get("/")
        following = client.get("/")
        left = application.checked_out()

    assert (exhausted.status_code, following.status_code) == (500, 200)
    assert len(seen) == 1
    assert "QueuePool limit of size 1 overflow 0 reached" in seen[0]
    assert left == 0
