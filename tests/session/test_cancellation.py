"""Clients that leave and tasks that are cancelled: no connection leaks, nothing is half written."""

import asyncio
import gc
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import anyio
import pytest
import uvicorn
from anyio import to_thread
from fastapi import Depends
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from sqla_session import SessionDependency, SqlaSession, UnknownSessionKeyError

from ..databases import Database
from .application import Application, eventually, read, write

TWO = pytest.mark.parametrize(
    "database", ["postgresql+psycopg", "postgresql+asyncpg"], indirect=True
)
SYNC = pytest.mark.parametrize(
    "database", ["sqlite+pysqlite", "postgresql+psycopg2", "postgresql+psycopg"], indirect=True
)
EACH = pytest.mark.parametrize("database", ["sqlite+pysqlite", "postgresql+asyncpg"], indirect=True)


def idle_in_transaction(database: Database) -> int:
    """How many other connections PostgreSQL sees in a transaction."""
    with database.connect() as connection:
        return connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database() AND state LIKE 'idle in transaction%'"
            )
        )


@contextmanager
def served(application: Application) -> Iterator[int]:
    """Serve the application by uvicorn; yield its port."""
    config = uvicorn.Config(application.app, port=0, log_level="critical", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert eventually(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def get_and_leave(port: int, until: Callable[[], bool]) -> None:
    """Send a request, and close the socket once the condition holds."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert eventually(until)
        # A reset, as when the client's process is gone.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def get(port: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/after")
    response = connection.getresponse()
    answer = response.status, response.read().decode()
    connection.close()
    return answer


def linger(seconds: float) -> Callable[[Session], Any]:
    def work(session: Session) -> None:
        session.execute(text(f"SELECT pg_sleep({seconds})"))

    return work


@TWO
def test_a_client_that_leaves_in_the_middle_leaks_no_connection(
    application: Application,
) -> None:
    began = threading.Event()

    def work(session: Session) -> None:
        write("kept")(session)
        began.set()
        linger(0.3)(session)

    application.get("/", work)
    application.get("/after", read)

    with served(application) as port:
        get_and_leave(port, began.is_set)
        assert eventually(lambda: application.checked_out() == 0)
        after = get(port)

        # The request went on: to leave is not to take back.
        assert after == (200, "1")
        assert idle_in_transaction(application.database) == 0
    assert application.notes() == ["kept"]


@TWO
def test_a_client_that_leaves_a_stream_leaks_no_connection(application: Application) -> None:
    began = threading.Event()

    def step(session: Session) -> str:
        write(f"lost {time.monotonic_ns()}")(session)
        linger(0.05)(session)
        began.set()
        return "x" * 100_000

    application.get("/", write("kept"), stream=[step] * 10_000)
    application.get("/after", read)

    with served(application) as port:
        get_and_leave(port, began.is_set)
        assert eventually(lambda: application.checked_out() == 0)
        after = get(port)

        assert after == (200, "1")
        assert idle_in_transaction(application.database) == 0
    assert application.notes() == ["kept"]


async def request(
    application: Application, on_start: Callable[[], None] = lambda: None, path: str = "/"
) -> list[str]:
    """One GET, called as a server would; the types of the messages sent."""
    sent: list[str] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [],
        "query_string": b"",
    }

    async def receive() -> Any:
        await anyio.sleep_forever()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            on_start()
        await anyio.sleep(0)
        sent.append(message["type"])

    await application.app(scope, receive, send)
    return sent


Cancel = Callable[[Any, Callable[[], bool]], Any]


async def by_scope(work: Any, when: Callable[[], bool]) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: work)
        await to_thread.run_sync(lambda: eventually(when))
        tasks.cancel_scope.cancel()


async def by_task(work: Any, when: Callable[[], bool]) -> None:
    task = asyncio.ensure_future(work)
    await to_thread.run_sync(lambda: eventually(when))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_task_twice(work: Any, when: Callable[[], bool]) -> None:
    task = asyncio.ensure_future(work)
    await to_thread.run_sync(lambda: eventually(when))
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


CANCELS = pytest.mark.parametrize("cancel", [by_scope, by_task, by_task_twice])


async def left_after(application: Application) -> int:
    """How many connections stay out, once threads that go on by themselves have ended."""

    def none_left() -> bool:
        gc.collect()
        return application.checked_out() == 0

    await to_thread.run_sync(lambda: eventually(none_left))
    return application.checked_out()


@TWO
@CANCELS
def test_a_request_cancelled_in_its_endpoint_writes_nothing_and_leaks_nothing(
    application: Application, cancel: Cancel
) -> None:
    began = threading.Event()

    def work(session: Session) -> None:
        write("lost")(session)
        began.set()
        linger(0.3)(session)

    application.get("/", work)

    async def run() -> int:
        async with application.registry.lifespan():
            await cancel(request(application), began.is_set)
            left = await left_after(application)
            assert idle_in_transaction(application.database) == 0
            return left

    assert asyncio.run(run()) == 0
    assert application.notes() == []


@EACH
@CANCELS
def test_a_request_cancelled_while_it_waits_with_a_session_leaks_nothing(
    application: Application, cancel: Cancel
) -> None:
    began = threading.Event()
    dependency: Any = None
    if application.database.is_async:
        from sqla_session import AsyncSessionDependency

        dependency = AsyncSessionDependency()
    else:
        dependency = SessionDependency()

    async def endpoint(session: Annotated[Any, Depends(dependency)]) -> None:
        if application.database.is_async:
            await session.run_sync(write("lost"))
        else:
            write("lost")(session)
        began.set()
        await anyio.sleep_forever()

    application.app.get("/")(endpoint)

    async def run() -> int:
        async with application.registry.lifespan():
            await cancel(request(application), began.is_set)
            return await left_after(application)

    assert asyncio.run(run()) == 0
    assert application.notes() == []


@TWO
@CANCELS
def test_a_request_cancelled_in_its_commit_is_committed_and_leaks_nothing(
    application: Application, cancel: Cancel
) -> None:
    began = threading.Event()
    started: list[bool] = []

    def work(session: Session) -> None:
        write("whole")(session)
        write("whole too")(session)

        def in_commit(session: Session) -> None:
            began.set()
            linger(0.3)(session)

        event.listen(session, "before_commit", in_commit)

    application.get("/", work)

    async def run() -> int:
        async with application.registry.lifespan():
            await cancel(
                request(application, lambda: started.append(application.notes() != [])),
                began.is_set,
            )
            left = application.checked_out()  # at once: nothing goes on behind the request
            assert idle_in_transaction(application.database) == 0
            return left

    assert asyncio.run(run()) == 0
    assert application.notes() == ["whole", "whole too"]
    assert False not in started  # acknowledged only if committed


@TWO
@CANCELS
def test_a_session_outside_of_a_request_ends_its_commit_too(
    application: Application, cancel: Cancel
) -> None:
    began = threading.Event()

    def work(session: Session) -> None:
        write("whole")(session)

        def in_commit(session: Session) -> None:
            began.set()
            linger(0.3)(session)

        event.listen(session, "before_commit", in_commit)

    def in_thread() -> None:
        with application.registry.open_session() as session:
            work(session)

    async def write_apart() -> None:
        if not application.database.is_async:
            await to_thread.run_sync(in_thread)
            return
        async with application.registry.open_async_session() as session:
            await session.run_sync(work)

    async def run() -> int:
        async with application.registry.lifespan():
            await cancel(write_apart(), began.is_set)
            if application.database.is_async:
                return application.checked_out()
            return await left_after(application)

    assert asyncio.run(run()) == 0
    assert application.notes() == ["whole"]


@TWO
def test_a_cancel_scope_does_not_interrupt_a_commit(application: Application) -> None:
    began = threading.Event()

    def work(session: Session) -> None:
        write("kept")(session)

        def in_commit(session: Session) -> None:
            began.set()
            linger(0.2)(session)

        event.listen(session, "before_commit", in_commit)

    application.get("/", work)

    async def run() -> None:
        async with application.registry.lifespan():
            await by_scope(request(application), began.is_set)

    asyncio.run(run())

    assert application.notes() == ["kept"]


SMALL = {
    "sqlalchemy_pool_size": "2",
    "sqlalchemy_max_overflow": "0",
    "sqlalchemy_pool_timeout": "20",
}


@pytest.mark.parametrize(
    "database",
    ["postgresql+psycopg2", "postgresql+psycopg", "postgresql+asyncpg", "mariadb+pymysql"],
    indirect=True,
)
@pytest.mark.parametrize("response_model", [None, int], ids=["plain", "response_model"])
def test_a_hundred_requests_at_once_share_two_connections(
    tables: Database, response_model: Any
) -> None:
    application = Application(tables, **SMALL)
    bodies = iter(range(1000))

    def work(session: Session) -> int:
        number = next(bodies)
        write(f"note {number:03}")(session)
        return number

    application.app.get("/", response_model=response_model)(application.endpoint(work))

    async def run() -> tuple[list[list[str]], int]:
        async with application.registry.lifespan():
            answers = await asyncio.gather(*(request(application) for _ in range(100)))
            return list(answers), application.checked_out()

    began = time.monotonic()
    answers, left = asyncio.run(run())

    assert answers == [["http.response.start", "http.response.body"]] * 100
    assert application.notes() == [f"note {number:03}" for number in range(100)]
    assert left == 0
    assert time.monotonic() - began < 15


@SYNC
def test_a_commit_needs_none_of_the_threads_of_the_endpoints(application: Application) -> None:
    release = threading.Event()

    async def endpoint(session: Annotated[SqlaSession, Depends(SessionDependency())]) -> None:
        write("kept")(session)

    application.app.get("/")(endpoint)

    async def run() -> None:
        async with application.registry.lifespan(), anyio.create_task_group() as tasks:
            to_thread.current_default_thread_limiter().total_tokens = 1
            tasks.start_soon(to_thread.run_sync, release.wait)
            await anyio.wait_all_tasks_blocked()
            try:
                with anyio.fail_after(5):
                    await request(application)
            finally:
                release.set()

    asyncio.run(run())

    assert application.notes() == ["kept"]


@SYNC
def test_a_thread_left_behind_in_a_flush_keeps_no_connection(application: Application) -> None:
    began = threading.Event()

    def work(session: Session) -> None:
        session.execute(text("SELECT 1"))

        def in_flush(*arguments: object) -> None:
            began.set()
            time.sleep(0.3)

        event.listen(session, "before_flush", in_flush)
        write("lost")(session)

    application.get("/", work)

    async def run() -> int:
        async with application.registry.lifespan():
            await by_task(request(application), began.is_set)
            await to_thread.run_sync(lambda: eventually(lambda: application.checked_out() == 0))
            return application.checked_out()

    gc.disable()  # which would give the connection back as well, but some time
    try:
        assert asyncio.run(run()) == 0
    finally:
        gc.enable()
    assert application.notes() == []


@SYNC
def test_a_request_that_is_refused_its_session_keeps_no_other_one_waiting(
    application: Application,
) -> None:
    def refused(session: Annotated[SqlaSession, Depends(SessionDependency(key="nope"))]) -> None:
        pass

    application.app.get("/refused")(refused)
    application.get("/", write("kept"))

    async def run() -> None:
        async with application.registry.lifespan():
            to_thread.current_default_thread_limiter().total_tokens = 1
            with pytest.raises(UnknownSessionKeyError):
                await request(application, path="/refused")
            with anyio.fail_after(5):
                await request(application)

    asyncio.run(run())

    assert application.notes() == ["kept"]
