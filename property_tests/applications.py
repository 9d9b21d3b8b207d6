"""An application on several databases that does with a request what its test says, and a client.

Each endpoint is given the sessions of one or two keys. A `Task`, kept under the number in the path,
says what is done with each of them, and then how to answer.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Depends, FastAPI
from fastapi.responses import Response
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqla_session import (
    AsyncSessionDependency,
    SessionDependency,
    SessionRegistry,
    SqlaAsyncSession,
    SqlaSession,
    setup,
)
from tests.session.application import new_base

SYNC_KEYS = ("default", "second")
ASYNC_KEYS = ("third", "fourth")
KEYS = SYNC_KEYS + ASYNC_KEYS

AnySession = SqlaSession | SqlaAsyncSession
Work = Callable[[Session], object]
Message = MutableMapping[str, Any]


class Base(DeclarativeBase):
    pass


class Written(Base):
    """A number that a request wrote by the session of a key."""

    __tablename__ = "written"
    __table_args__ = (
        CheckConstraint("number > 0"),
        # Checked at the commit.
        ForeignKeyConstraint(
            ["key", "refers_to"],
            ["written.key", "written.number"],
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    key: Mapped[str] = mapped_column(String(20), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    refers_to: Mapped[int | None]


async def run(session: AnySession, work: Work) -> object:
    """Run `work` on a session of either kind: in a thread, or by `run_sync`."""
    if isinstance(session, Session):
        return await to_thread.run_sync(work, session)
    return await session.run_sync(work)


class Gate:
    """Where a request waits, in a task or a thread, until it is cancelled or let through."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._is_open = threading.Event()

    async def wait(self) -> None:
        self.reached.set()
        await asyncio.Event().wait()

    def wait_in_thread(self) -> None:
        self._loop.call_soon_threadsafe(self.reached.set)
        assert self._is_open.wait(20)

    def open(self) -> None:
        self._is_open.set()


@dataclass
class Task:
    """What a request does.

    Attributes:
        works: what it does with the session of each key.
        answer: what it does then, given the sessions: return a response, or raise.
        gate: where it waits before it answers.
        sessions: those that it was given.
    """

    works: dict[str, Work]
    answer: Callable[[Sequence[AnySession]], Response]
    gate: Gate | None = None
    sessions: list[AnySession] = field(default_factory=list)


class Application:
    """An application with a default and keyed sessions, two of them sync and two asyncio."""

    def __init__(self, urls: dict[str, str]) -> None:
        settings = {f"fastapi_sqla__{key}__sqlalchemy_url": url for key, url in urls.items()}
        settings["sqlalchemy_url"] = settings.pop("fastapi_sqla__default__sqlalchemy_url")
        self.registry = SessionRegistry(settings, base=new_base())
        self.app = FastAPI()
        setup(self.app, self.registry)
        self.tasks: dict[int, Task] = {}
        self.leaks: list[str] = []
        self.app.get("/none/{number}")(self._answer_without_sessions)
        for one in KEYS:
            for other in KEYS:
                self.app.get(f"/{one}/{other}/{{number}}")(self._endpoint(one, other))

    def forget(self) -> None:
        """Let go of the requests that are over, and of their sessions."""
        self.tasks.clear()

    def checked_out(self) -> dict[str, int]:
        """How many connections are out of the pool of each key."""
        return {key: self._engine(key).pool.checkedout() for key in KEYS}

    def _engine(self, key: str) -> Any:
        make: Any = self.registry.session if key in SYNC_KEYS else self.registry.async_session
        return make(key).get_bind()

    def _answer_without_sessions(self, number: int) -> Response:
        return self.tasks[number].answer([])

    def _endpoint(self, one_key: str, other_key: str) -> Callable[..., Any]:
        def threaded(
            number: int,
            one: Annotated[Any, Depends(_dependency(one_key))],
            other: Annotated[Any, Depends(_dependency(other_key))],
        ) -> Response:
            task = self._begin(number, {one_key: one}, {other_key: other})
            for session, work in zip(task.sessions, task.works.values(), strict=True):
                work(session)
            if task.gate:
                task.gate.wait_in_thread()
            return task.answer(task.sessions)

        async def awaited(
            number: int,
            one: Annotated[Any, Depends(_dependency(one_key))],
            other: Annotated[Any, Depends(_dependency(other_key))],
        ) -> Response:
            task = self._begin(number, {one_key: one}, {other_key: other})
            for session, work in zip(task.sessions, task.works.values(), strict=True):
                await run(session, work)
            if task.gate:
                await task.gate.wait()
            return task.answer(task.sessions)

        return threaded if {one_key, other_key} <= set(SYNC_KEYS) else awaited

    def _begin(self, number: int, one: dict[str, AnySession], other: dict[str, AnySession]) -> Task:
        """Keep the sessions of a request, and note what shows that they are not its own."""
        task = self.tasks[number]
        if one.keys() == other.keys() and one != other:
            self.leaks.append(f"request {number} has two sessions of one key")
        task.sessions += (one | other).values()
        for session in task.sessions:
            if session.in_transaction() or session.info.setdefault("number", number) != number:
                self.leaks.append(f"request {number} was given a session that is in use")
        return task


def _dependency(key: str) -> Any:
    return SessionDependency(key) if key in SYNC_KEYS else AsyncSessionDependency(key)


@dataclass
class Client:
    """One request, as a server passes it on, and what comes back.

    Attributes:
        leaves: on which message the client goes away; "" is at once, None never.
        raises: whether the server then lets `send` fail, as the newer specification has it.
    """

    leaves: str | None = None
    raises: bool = False
    status: int | None = None
    body: bytes = b""
    error: Exception | None = None

    async def get(self, app: Callable[..., Awaitable[None]], path: str) -> "Client":
        """Send the request, and wait until the application is done with it."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4" if self.raises else "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "path": path,
            "headers": [],
            "query_string": b"",
        }
        self._gone = asyncio.Event()
        if self.leaves == "":
            self._gone.set()
        try:
            await app(scope, self._receive, self._send)
        except Exception as error:
            self.error = error
        return self

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if not self._gone.is_set():
            self.status = message.get("status", self.status)
            self.body += message.get("body", b"")
        elif self.raises:
            raise OSError("the client is gone")
        if message["type"] == self.leaves:
            self._gone.set()
        await asyncio.sleep(0)


class Log(logging.Handler):
    """What the log of `sqla_session` says."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
