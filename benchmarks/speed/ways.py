"""How contenders reach a database: by a connection that is open, of a sync or an asyncio driver.

Each page is read by a new session on that connection, so that no pool, no BEGIN and no row that is
known already is part of it: what differs is how a page is made.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Protocol, TypeAlias

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

Call: TypeAlias = Callable[[Any], Any]
Sent: TypeAlias = list[tuple[str, Any]]


class Way(Protocol):
    """A connection; what it makes takes one argument, and may return a coroutine."""

    is_async: bool

    def by_session(self, page: Callable[[Any, Any], Any]) -> Call:
        """Return what calls a page with a new session and the argument."""

    def by_connection(self, page: Callable[[Connection, Any], Any]) -> Call:
        """Return what calls a page with the connection and the argument."""

    def by_driver(self) -> Call:
        """Return what sends statements without SQLAlchemy."""

    async def on_connection(self, work: Callable[[Connection], Any]) -> Any:
        """Return what `work` makes of the connection."""


class SyncWay:
    is_async = False

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def by_session(self, page: Callable[[Any, Any], Any]) -> Call:
        def call(argument: Any) -> Any:
            with Session(self.connection) as session:
                return page(session, argument)

        return call

    def by_connection(self, page: Callable[[Connection, Any], Any]) -> Call:
        return partial(page, self.connection)

    def by_driver(self) -> Call:
        driver: Any = self.connection.connection.dbapi_connection

        def call(sent: Sent) -> Any:
            cursor = driver.cursor()
            answers: list[Any] = []
            for sql, values in sent:
                cursor.execute(sql, values)
                answers.append(cursor.fetchall())
            cursor.close()
            return answers[0]

        return call

    async def on_connection(self, work: Callable[[Connection], Any]) -> Any:
        return work(self.connection)


class AsyncWay:
    is_async = True

    def __init__(self, connection: AsyncConnection, driver: Any) -> None:
        self.connection = connection
        self.driver = driver

    def by_session(self, page: Callable[[Any, Any], Any]) -> Call:
        async def call(argument: Any) -> Any:
            async with AsyncSession(self.connection) as session:
                return await page(session, argument)

        async def call_sync(argument: Any) -> Any:
            async with AsyncSession(self.connection) as session:
                return await session.run_sync(page, argument)

        return call if inspect.iscoroutinefunction(page) else call_sync

    def by_connection(self, page: Callable[[Connection, Any], Any]) -> Call:
        async def call(argument: Any) -> Any:
            return await self.connection.run_sync(page, argument)

        return call

    def by_driver(self) -> Call:
        async def call(sent: Sent) -> Any:
            answers = [await self.driver.fetch(sql, *values) for sql, values in sent]
            return answers[0]

        return call

    async def on_connection(self, work: Callable[[Connection], Any]) -> Any:
        return await self.connection.run_sync(work)


@asynccontextmanager
async def way_to(url: URL) -> AsyncIterator[Way]:
    """Open a connection of the driver that a URL names."""
    if url.get_dialect().is_async:
        engine = create_async_engine(url)
        async with engine.connect() as connection:
            raw = await connection.get_raw_connection()
            yield AsyncWay(connection, raw.driver_connection)
        await engine.dispose()
        return
    sync_engine = create_engine(url)
    with sync_engine.connect() as sync_connection:
        yield SyncWay(sync_connection)
    sync_engine.dispose()


def sent_by(
    connection: Connection, page: Callable[[Connection, Any], Any], arguments: Sequence[Any]
) -> list[Sent]:
    """Return the statements, with values, that a page sends for each argument."""
    sent: list[Sent] = []

    def hear(connection: Any, cursor: Any, sql: str, values: Any, *rest: Any) -> None:
        sent[-1].append((sql, values))

    event.listen(connection, "before_cursor_execute", hear)
    try:
        for argument in arguments:
            sent.append([])
            page(connection, argument)
    finally:
        event.remove(connection, "before_cursor_execute", hear)
    return sent
