"""Requests that commit, fail, raise, stream and disconnect: what was acknowledged is there.

Each request writes a number of its own by the sessions of one or two keys. What the databases hold
afterwards is read by connections that are not the library's.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import psycopg
import pytest
from anyio import to_thread
from fastapi import HTTPException
from fastapi.responses import Response, StreamingResponse
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import URL, event, func, insert, select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable
from starlette.background import BackgroundTask

from sqla_session import NoSessionInScopeError
from tests.session.application import eventually

from .applications import (
    KEYS,
    SYNC_KEYS,
    AnySession,
    Application,
    Base,
    Client,
    Gate,
    Log,
    Task,
    Work,
    Written,
    run,
)

Numbers = set[int]
Keys = tuple[str, ...]
Answer = Callable[[Sequence[AnySession]], Response]

LATE = "changes made after the response began were rolled back"

ONE_OR_TWO = st.sets(st.sampled_from(KEYS), min_size=1, max_size=2).map(
    lambda keys: tuple(sorted(keys, key=KEYS.index))
)
KEPT = st.sampled_from([200, 201, 204, 303])
REFUSED = st.sampled_from([400, 404, 409, 500, 503])
CANCELS = st.sampled_from(["task", "scope", "task, twice"])
TIMES = st.integers(1, 3)


IN_TRANSACTION = (
    "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    " AND datname = current_database() AND state LIKE 'idle in transaction%'"
)
TABLE = str(CreateTable(Base.metadata.tables["written"]))


class DeliberateError(Exception):
    pass


@dataclass
class Databases:
    """The database of each key, and a connection to it that is not the library's."""

    backend: str
    urls: dict[str, str]
    ours: dict[str, Any]

    def numbers(self, key: str) -> Numbers:
        """Return what is committed."""
        found = self.ours[key].execute(f"SELECT number FROM written WHERE key = '{key}'")
        return {number for (number,) in found.fetchall()}

    def is_free(self) -> bool:
        """Whether no one else is in a transaction."""
        if self.backend == "postgresql":
            (others,) = self.ours["default"].execute(IN_TRANSACTION).fetchone()
            return others == 0
        try:
            for connection in self.ours.values():
                connection.execute("BEGIN EXCLUSIVE")
                connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
        return True

    def clear(self) -> None:
        for connection in self.ours.values():
            connection.execute("DELETE FROM written")


@dataclass
class Site:
    """The application, the loop that it runs in, its log and its databases."""

    application: Application
    loop: asyncio.Runner
    log: Log
    databases: Databases


def write(number: int, key: str) -> Work:
    def work(session: Session) -> None:
        session.add(Written(key=key, number=number))
        session.flush()

    return work


def write_by_statement(number: int) -> Work:
    # Not by a flush: that raises the same, but SQLAlchemy warns of its rollback too.
    return lambda session: session.execute(insert(Written).values(key="late", number=number))


def add(number: int, key: str) -> Work:
    """Leave the writing to the flush before the commit."""
    return lambda session: session.add(Written(key=key, number=number))


def how_many(key: str) -> Work:
    counted = select(func.count()).select_from(Written).where(Written.key == key)
    return lambda session: session.scalar(counted)


def all_of(*works: Work) -> Work:
    def in_turn(session: Session) -> None:
        for work in works:
            work(session)

    return in_turn


def break_a_rule(number: int, key: str) -> Work:
    """Add what a constraint refuses at the flush."""
    return add(-number, key)


def break_a_rule_at_the_commit(number: int, key: str) -> Work:
    def work(session: Session) -> None:
        if session.get_bind().dialect.name == "sqlite":
            session.execute(text("PRAGMA foreign_keys = ON"))
        session.add(Written(key=key, number=number, refers_to=10**9))
        session.flush()

    return work


def ignore(error: type[Exception], work: Work) -> Work:
    def ignoring(session: Session) -> None:
        try:
            work(session)
        except error:
            pass

    return ignoring


def fail_a_statement(session: Session) -> None:
    session.execute(text("SELECT 1 FROM no_such_table"))


def flush(session: Session) -> None:
    session.flush()


def answer(status: int) -> Answer:
    return lambda sessions: Response(status_code=status)


class Requests(RuleBasedStateMachine):
    """Sends requests, and keeps the numbers that must be in the databases, and no others."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site = site
        self.application = site.application
        self.numbers = count(1)
        self.expected: dict[str, Numbers] = {key: set() for key in KEYS}

    @initialize()
    def begin(self) -> None:
        self.site.databases.clear()
        self.application.forget()

    @rule(keys=ONE_OR_TWO, status=KEPT | REFUSED, make=st.sampled_from([write, add]))
    def answer(self, keys: Keys, status: int, make: Any) -> None:
        number, works = self._works(keys, make)
        client = self._send(number, Task(works, answer(status)))
        assert client.status == status
        self._settle(number, keys, is_kept=status < 400)

    @rule(keys=ONE_OR_TWO, status=KEPT | REFUSED)
    def raise_an_http_exception(self, keys: Keys, status: int) -> None:
        def fail(sessions: Sequence[AnySession]) -> Response:
            raise HTTPException(status)

        number, works = self._works(keys, write)
        client = self._send(number, Task(works, fail))
        assert client.status == status
        self._settle(number, keys, is_kept=status < 400)

    @rule(keys=ONE_OR_TWO)
    def raise_an_error(self, keys: Keys) -> None:
        def fail(sessions: Sequence[AnySession]) -> Response:
            raise DeliberateError

        number, works = self._works(keys, write)
        client = self._send(number, Task(works, fail))
        assert (client.status, type(client.error)) == (500, DeliberateError)
        self._settle(number, keys, is_kept=False)

    @rule(keys=ONE_OR_TWO)
    def fail_at_the_flush(self, keys: Keys) -> None:
        number, works = self._works(keys, write)
        works[keys[-1]] = break_a_rule(number, keys[-1])
        client = self._send(number, Task(works, answer(200)))
        assert (client.status, client.error) == (500, None)
        self._settle(number, keys, is_kept=False)

    @rule(keys=ONE_OR_TWO, is_caught=st.booleans())
    def fail_at_a_flush_of_its_own(self, keys: Keys, is_caught: bool) -> None:
        number, works = self._works(keys, write)
        key = keys[-1]
        works[key] = all_of(works[key], break_a_rule(number, key), flush)
        if is_caught:
            works[key] = ignore(IntegrityError, works[key])
        client = self._send(number, Task(works, answer(200)))
        assert client.status == 500
        self._settle(number, keys, is_kept=False)

    @rule(keys=ONE_OR_TWO)
    def fail_in_a_statement_that_is_caught(self, keys: Keys) -> None:
        number, works = self._works(keys, write)
        key = keys[-1]
        works[key] = all_of(works[key], ignore(SQLAlchemyError, fail_a_statement))
        client = self._send(number, Task(works, answer(200)))
        # A database may go on after it, or not; what is said must be so.
        assert client.status in {200, 500}
        self._settle(number, keys, is_kept=client.status == 200)

    @rule(keys=ONE_OR_TWO)
    def fail_at_the_commit(self, keys: Keys) -> None:
        number, works = self._works(keys, write)
        works[keys[-1]] = break_a_rule_at_the_commit(number, keys[-1])
        later = next(self.numbers)

        def answer(sessions: Sequence[AnySession]) -> Response:
            return Response(background=BackgroundTask(self._write_apart, later, keys[0]))

        client = self._send(number, Task(works, answer))
        assert (client.status, client.error) == (500, None)
        # The commits before the one that failed stand; what was to follow a success does not run.
        self._settle(number, keys[:-1], is_kept=True)

    @rule(keys=ONE_OR_TWO, chunks=TIMES)
    def stream_what_is_read(self, keys: Keys, chunks: int) -> None:
        number, works = self._works(keys, write)
        client = self._send(number, Task(works, self._stream(keys, chunks)))
        self._settle(number, keys, is_kept=True)
        total = sum(len(self.expected[key]) for key in keys)
        assert (client.status, client.body) == (200, b"%d," % total * chunks)

    @rule(keys=ONE_OR_TWO, chunks=TIMES)
    def write_late_in_a_stream(self, keys: Keys, chunks: int) -> None:
        number, works = self._works(keys, write)
        client = self._send(number, Task(works, self._stream(keys, chunks, is_late=True)))
        assert client.status == 200
        self._settle(number, keys, is_kept=True)
        self._expect_warnings(len(keys))

    @rule(keys=ONE_OR_TWO, status=KEPT | REFUSED)
    def write_late_in_a_background_task(self, keys: Keys, status: int) -> None:
        number, works = self._works(keys, write)

        def answer(sessions: Sequence[AnySession]) -> Response:
            async def write_late() -> None:
                for key, session in zip(keys, sessions, strict=True):
                    await run(session, write(next(self.numbers), key))

            return Response(status_code=status, background=BackgroundTask(write_late))

        client = self._send(number, Task(works, answer))
        assert client.status == status
        self._settle(number, keys, is_kept=status < 400)
        self._expect_warnings(len(keys))

    @rule(
        keys=ONE_OR_TWO,
        status=KEPT | REFUSED,
        other=st.sampled_from(KEYS),
        error=st.none() | st.just(DeliberateError),
    )
    def write_in_a_background_task_by_a_session_of_its_own(
        self, keys: Keys, status: int, other: str, error: type[Exception] | None
    ) -> None:
        number, works = self._works(keys, write)
        apart = next(self.numbers)

        def answer(sessions: Sequence[AnySession]) -> Response:
            task = BackgroundTask(self._write_apart, apart, other, error)
            return Response(status_code=status, background=task)

        client = self._send(number, Task(works, answer))
        assert client.status == status
        self._settle(number, keys, is_kept=status < 400)
        self._settle(apart, (other,), is_kept=error is None)

    @rule(key=st.sampled_from(KEYS), error=st.none() | st.just(DeliberateError))
    def write_outside_of_a_request(self, key: str, error: type[Exception] | None) -> None:
        number = next(self.numbers)
        try:
            self.site.loop.run(self._write_apart(number, key, error))
        except DeliberateError:
            assert error is not None
        self._settle(number, (key,), is_kept=error is None)

    @rule(status=KEPT | REFUSED)
    def use_no_session(self, status: int) -> None:
        number = next(self.numbers)
        client = self._send(number, Task({}, answer(status)))
        assert client.status == status

    @rule(keys=ONE_OR_TWO)
    def use_a_session_after_its_request(self, keys: Keys) -> None:
        number, works = self._works(keys, write)
        task = Task(works, answer(200))
        self._send(number, task)
        self._settle(number, keys, is_kept=True)
        for session in task.sessions:
            with pytest.raises(NoSessionInScopeError):
                self.site.loop.run(run(session, write_by_statement(next(self.numbers))))

    @rule(requests=st.lists(st.tuples(ONE_OR_TWO, KEPT | REFUSED), min_size=2, max_size=6))
    def send_several_at_once(self, requests: list[tuple[Keys, int]]) -> None:
        numbers = [next(self.numbers) for _ in requests]
        for number, (keys, status) in zip(numbers, requests, strict=True):
            works = {key: write(number, key) for key in keys}
            self.application.tasks[number] = Task(works, answer(status))

        async def send() -> list[Client]:
            return await asyncio.gather(
                *(
                    Client().get(
                        self.application.app, _path_of(number, self.application.tasks[number])
                    )
                    for number in numbers
                )
            )

        clients = self.site.loop.run(send())
        for client, number, (keys, status) in zip(clients, numbers, requests, strict=True):
            assert client.status == status
            self._settle(number, keys, is_kept=status < 400)

    @rule(keys=ONE_OR_TWO, status=KEPT | REFUSED, raises=st.booleans())
    def leave_before_an_answer(self, keys: Keys, status: int, raises: bool) -> None:
        number, works = self._works(keys, write)
        client = self._send(
            number, Task(works, answer(status)), client=Client(leaves="", raises=raises)
        )
        assert client.status is None
        # To leave is not to take back.
        self._settle(number, keys, is_kept=status < 400)

    @rule(
        keys=ONE_OR_TWO,
        leaves=st.sampled_from(["", "http.response.start", "http.response.body"]),
        raises=st.booleans(),
        is_late=st.booleans(),
    )
    def leave_a_stream(self, keys: Keys, leaves: str, raises: bool, is_late: bool) -> None:
        number, works = self._works(keys, write)
        task = Task(works, self._stream(keys, 1000, is_late=is_late))
        client = self._send(number, task, client=Client(leaves, raises))
        assert client.body.count(b",") < 1000
        if client.status == 200 or raises:
            self._settle(number, keys, is_kept=True)
        else:
            # It may have left before the commit, or in time for all of it.
            self._settle_doubt(number, keys, [(), keys])

    @rule(keys=ONE_OR_TWO, by=CANCELS)
    def be_cancelled_in_the_endpoint(self, keys: Keys, by: str) -> None:
        number, works = self._works(keys, write)
        client = self._send_and_cancel(number, by, lambda gate: Task(works, answer(200), gate))
        if by == "scope" and set(keys) <= set(SYNC_KEYS) and client.status is None:
            # A scope waits for the thread, which may then be answered for.
            self._settle_doubt(number, keys, [(), keys])
        else:
            self._settle(number, keys, is_kept=client.status == 200)

    @rule(keys=ONE_OR_TWO, by=CANCELS)
    def be_cancelled_in_a_stream(self, keys: Keys, by: str) -> None:
        number, works = self._works(keys, write)

        def task(gate: Gate) -> Task:
            async def body() -> Any:
                yield b"."
                await gate.wait()

            return Task(works, lambda sessions: StreamingResponse(body()))

        self._send_and_cancel(number, by, task)
        self._settle(number, keys, is_kept=True)

    @rule(
        keys=ONE_OR_TWO,
        other=st.sampled_from(KEYS),
        by=CANCELS,
    )
    def be_cancelled_in_a_background_task(self, keys: Keys, other: str, by: str) -> None:
        number, works = self._works(keys, write)
        apart = next(self.numbers)

        def task(gate: Gate) -> Task:
            background = BackgroundTask(self._write_apart, apart, other, None, gate)
            return Task(works, lambda sessions: Response(background=background))

        self._send_and_cancel(number, by, task)
        self._settle(number, keys, is_kept=True)
        # A thread is not cancelled: it goes on, and commits.
        self._settle(apart, (other,), is_kept=other in SYNC_KEYS)

    @rule(
        keys=ONE_OR_TWO,
        place=st.integers(0, 1),
        by=CANCELS,
    )
    def be_cancelled_in_the_commit(self, keys: Keys, place: int, by: str) -> None:
        number, works = self._works(keys, write)
        key = keys[place % len(keys)]

        def task(gate: Gate) -> Task:
            def in_commit(session: Session) -> None:
                gate.wait_in_thread() if key in SYNC_KEYS else gate.reached.set()

            def listen(session: Session) -> None:
                event.listen(session, "before_commit", in_commit)

            return Task({**works, key: all_of(works[key], listen)}, answer(200))

        self._send_and_cancel(number, by, task)
        # A commit that has begun goes on to its end, on all keys.
        self._settle(number, keys, is_kept=True)

    def _works(self, keys: Keys, make: Callable[[int, str], Work]) -> tuple[int, dict[str, Work]]:
        number = next(self.numbers)
        return number, {key: make(number, key) for key in keys}

    def _send(self, number: int, task: Task, client: Client | None = None) -> Client:
        self.site.log.messages.clear()
        self.application.tasks[number] = task
        sent = (client or Client()).get(self.application.app, _path_of(number, task))
        return self.site.loop.run(sent)

    def _send_and_cancel(self, number: int, by: str, make: Callable[[Gate], Task]) -> Client:
        """Send a request, and cancel it when it has reached its gate."""
        app = self.application.app
        client = Client()

        async def send() -> None:
            gate = Gate()
            task = self.application.tasks[number] = make(gate)
            path = _path_of(number, task)
            async with asyncio.timeout(30):
                if by == "scope":
                    async with anyio.create_task_group() as group:
                        group.start_soon(client.get, app, path)
                        await gate.reached.wait()
                        group.cancel_scope.cancel()
                        gate.open()
                    return
                request = asyncio.ensure_future(client.get(app, path))
                await gate.reached.wait()
                request.cancel()
                if by == "task, twice":
                    await asyncio.sleep(0)
                    request.cancel()
                gate.open()
                await asyncio.wait([request])
                assert request.cancelled()

        self.site.loop.run(send())
        self._wait_for_threads()
        return client

    def _wait_for_threads(self) -> None:
        """Wait for threads that go on after their request, with a connection until they end."""

        def is_free() -> bool:
            is_left = any(self.application.checked_out().values())
            return not is_left and self.site.databases.is_free()

        async def wait() -> None:
            await to_thread.run_sync(eventually, is_free)

        self.site.loop.run(wait())

    def _stream(self, keys: Keys, chunks: int, *, is_late: bool = False) -> Answer:
        """Answer with a body that reads, or that writes."""

        def answer(sessions: Sequence[AnySession]) -> Response:
            async def body() -> Any:
                for _ in range(chunks):
                    total = 0
                    for key, session in zip(keys, sessions, strict=True):
                        work = write(next(self.numbers), key) if is_late else how_many(key)
                        total += await run(session, work) or 0
                    yield f"{total},"

            return StreamingResponse(body())

        return answer

    async def _write_apart(
        self,
        number: int,
        key: str,
        error: type[Exception] | None = None,
        gate: Gate | None = None,
    ) -> None:
        """Write by a session that is of no request."""
        registry = self.application.registry

        def in_thread() -> None:
            with registry.open_session(key) as session:
                write(number, key)(session)
                if gate:
                    gate.wait_in_thread()
                if error:
                    raise error

        if key in SYNC_KEYS:
            await to_thread.run_sync(in_thread)
            return
        async with registry.open_async_session(key) as session:
            await session.run_sync(write(number, key))
            if gate:
                await gate.wait()
            if error:
                raise error

    def _settle(self, number: int, keys: Keys, *, is_kept: bool) -> None:
        for key in keys if is_kept else ():
            self.expected[key].add(number)

    def _settle_doubt(self, number: int, keys: Keys, possible: Sequence[Keys]) -> None:
        """Take what is there, if it is one of what may be."""
        found = tuple(key for key in keys if number in self.site.databases.numbers(key))
        assert found in possible
        self._settle(number, found, is_kept=True)

    def _expect_warnings(self, many: int) -> None:
        assert sum(LATE in message for message in self.site.log.messages) == many

    @invariant()
    def no_connection_is_left_out_or_in_a_transaction(self) -> None:
        assert self.application.checked_out() == dict.fromkeys(KEYS, 0)
        assert self.site.databases.is_free()

    @invariant()
    def what_was_acknowledged_is_there_and_nothing_else(self) -> None:
        assert {key: self.site.databases.numbers(key) for key in KEYS} == self.expected

    @invariant()
    def no_session_is_of_two_requests(self) -> None:
        assert self.application.leaks == []


def _path_of(number: int, task: Task) -> str:
    keys = tuple(task.works)
    return f"/{keys[0]}/{keys[-1]}/{number}" if keys else f"/none/{number}"


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Databases]:
    """A file for each key."""
    with ExitStack() as stack:
        urls, ours = {}, {}
        for key in KEYS:
            driver = "pysqlite" if key in SYNC_KEYS else "aiosqlite"
            urls[key] = f"sqlite+{driver}:///{tmp_path / key}"
            opened = sqlite3.connect(
                tmp_path / key, isolation_level=None, timeout=0, check_same_thread=False
            )
            ours[key] = stack.enter_context(closing(opened))
            opened.execute(TABLE)
        yield Databases("sqlite", urls, ours)


@pytest.fixture
def on_postgresql(postgresql_url: URL) -> Iterator[Databases]:
    """One table for all keys, each through a driver of its own."""
    drivers = ("psycopg", "psycopg2", "asyncpg", "psycopg_async")
    server = postgresql_url.set(drivername="postgresql").render_as_string(hide_password=False)
    urls = {
        key: server.replace("postgresql", f"postgresql+{driver}", 1)
        for key, driver in zip(KEYS, drivers, strict=True)
    }
    with psycopg.connect(server, autocommit=True) as opened:
        opened.execute("DROP TABLE IF EXISTS written")
        opened.execute(TABLE)
        yield Databases("postgresql", urls, dict.fromkeys(KEYS, opened))
        opened.execute("DROP TABLE written")


@pytest.fixture(params=["on_sqlite", "on_postgresql"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    databases: Databases = request.getfixturevalue(request.param)
    application = Application(databases.urls)
    log = Log()
    logging.getLogger("sqla_session").addHandler(log)
    with asyncio.Runner() as loop:
        loop.run(application.registry.startup())
        yield Site(application, loop, log, databases)
        loop.run(application.registry.shutdown())
    logging.getLogger("sqla_session").removeHandler(log)


def test_what_was_acknowledged_is_there_and_what_was_not_is_not(site: Site) -> None:
    run_state_machine_as_test(
        lambda: Requests(site),
        settings=settings(
            max_examples=max(1, settings.default.max_examples // 4), stateful_step_count=30
        ),
    )
