"""An application on one database, whose endpoints are sync or asyncio from the same body.

A body is a function of a sync session. Where the driver is an asyncio one, the endpoint is an
`async def` that runs it by `AsyncSession.run_sync`.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

from anyio import to_thread
from fastapi import BackgroundTasks, Depends, FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from sqlalchemy import Engine, ForeignKey, String, select, text
from sqlalchemy.ext.declarative import DeferredReflection
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqla_session import (
    AsyncSessionDependency,
    SessionDependency,
    SessionRegistry,
    SqlaAsyncSession,
    SqlaSession,
    setup,
)

from ..databases import Database

Work = Callable[[Session], Any]
Message = MutableMapping[str, Any]
Asgi = Callable[..., Awaitable[None]]


class Model(DeclarativeBase):
    pass


class Note(Model):
    __tablename__ = "session_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(String(80), unique=True)


class Linked(DeclarativeBase):
    """Tables whose foreign key is checked at the commit; not for MariaDB, which has no such."""


class Topic(Linked):
    __tablename__ = "session_topic"

    id: Mapped[int] = mapped_column(primary_key=True)


class Reply(Linked):
    __tablename__ = "session_reply"

    id: Mapped[int] = mapped_column(primary_key=True)
    topic_id: Mapped[int] = mapped_column(
        ForeignKey("session_topic.id", deferrable=True, initially="DEFERRED")
    )


def new_base() -> type[DeferredReflection]:
    """A base with no classes, or a registry would look for the tables of other tests."""

    class Base(DeclarativeBase, DeferredReflection):
        __abstract__ = True

    return Base


def write(body: str, answer: Any = None) -> Work:
    def work(session: Session) -> Any:
        session.add(Note(body=body))
        session.flush()
        return answer

    return work


def read(session: Session) -> int:
    return len(session.scalars(select(Note)).all())


class Application:
    def __init__(self, database: Database, app: FastAPI | None = None, **settings: Any) -> None:
        self.database = database
        self.registry = SessionRegistry(
            {"sqlalchemy_url": database.url_text, **settings}, base=new_base()
        )
        self.app = FastAPI() if app is None else app
        setup(self.app, self.registry)

    def get(self, path: str, work: Work, **options: Any) -> None:
        self.app.get(path)(self.endpoint(work, **options))

    def endpoint(
        self,
        work: Work,
        *,
        key: str = "default",
        later: Work | None = None,
        stream: Sequence[Work] = (),
    ) -> Callable[..., Any]:
        """An endpoint that runs `work`, streams what each of `stream` says, and then `later`."""

        async def asynchronous(
            session: Annotated[SqlaAsyncSession, Depends(AsyncSessionDependency(key))],
            tasks: BackgroundTasks,
        ) -> Any:
            result = await session.run_sync(work)
            if later:
                tasks.add_task(session.run_sync, later)

            async def chunks() -> Any:
                for step in stream:
                    yield str(await session.run_sync(step))

            return StreamingResponse(chunks()) if stream else result

        def synchronous(
            session: Annotated[SqlaSession, Depends(SessionDependency(key))],
            tasks: BackgroundTasks,
        ) -> Any:
            result = work(session)
            if later:
                tasks.add_task(later, session)

            def chunks() -> Any:
                for step in stream:
                    yield str(step(session))

            return StreamingResponse(chunks()) if stream else result

        return asynchronous if self.database.is_async else synchronous

    def websocket(self, path: str, handle: Callable[..., Awaitable[None]]) -> None:
        """A WebSocket whose handler is given `run`, to await a work on its session."""

        async def asynchronous(
            websocket: WebSocket,
            session: Annotated[SqlaAsyncSession, Depends(AsyncSessionDependency())],
        ) -> None:
            await handle(websocket, session.run_sync)

        async def synchronous(
            websocket: WebSocket, session: Annotated[SqlaSession, Depends(SessionDependency())]
        ) -> None:
            await handle(websocket, lambda work: to_thread.run_sync(work, session))

        chosen = asynchronous if self.database.is_async else synchronous
        self.app.websocket(path)(chosen)

    @contextmanager
    def client(self, asgi: Asgi | None = None) -> Iterator[TestClient]:
        with TestClient(asgi or self.app, raise_server_exceptions=False) as client:
            yield client

    def call(self, path: str = "/", method: str = "GET") -> Any:
        """The response to one request, of an application that is started and stopped for it."""
        with self.client() as client:
            return client.request(method, path)

    def engine(self, key: str = "default") -> Engine:
        is_async = self.database.is_async
        made = self.registry.async_session(key) if is_async else self.registry.session(key)
        bind: Any = made.get_bind()
        assert isinstance(bind, Engine)
        return bind

    def checked_out(self, key: str = "default") -> int:
        return self.engine(key).pool.checkedout()  # type: ignore[attr-defined]

    def notes(self) -> list[str]:
        """What is committed, as a connection that is not ours sees it."""
        with self.database.connect() as connection:
            return list(connection.scalars(text("SELECT body FROM session_note ORDER BY body")))


class Outside:
    """An ASGI middleware around an application, told of each message before it is passed on."""

    def __init__(self, app: Asgi, on_message: Callable[[Message], object]) -> None:
        self.app = app
        self.on_message = on_message

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def tell_and_send(message: Message) -> None:
            self.on_message(message)
            await send(message)

        wrapped = scope["type"] in {"http", "websocket"}
        await self.app(scope, receive, tell_and_send if wrapped else send)


def eventually(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether the condition comes to hold in time."""
    end = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return held
