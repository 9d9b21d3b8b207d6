"""A database under each of its drivers, and one way to call sync and asyncio code on it."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest
from sqlalchemy import URL, Connection, MetaData, NullPool, create_engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

import sqla_pages
from sqla_pages import testing

from .servers import HAS_MARIADB

SYNC_DRIVERS = ["sqlite+pysqlite", "postgresql+psycopg2", "postgresql+psycopg"]
ASYNC_DRIVERS = ["sqlite+aiosqlite", "postgresql+asyncpg", "postgresql+psycopg_async"]
if HAS_MARIADB:
    SYNC_DRIVERS.append("mariadb+pymysql")
    ASYNC_DRIVERS.append("mariadb+asyncmy")
DRIVERS = SYNC_DRIVERS + ASYNC_DRIVERS

# The drivers that pages of every kind go through: one of each database, one of them by asyncio; all
# of them with SQLA_PAGES_TEST_PROFILE=full, as in CI.
IS_FULL = os.environ.get("SQLA_PAGES_TEST_PROFILE", "quick") == "full"
_QUICK = {"sqlite+pysqlite", "postgresql+asyncpg", "mariadb+pymysql"}
MATRIX_DRIVERS = [driver for driver in DRIVERS if IS_FULL or driver in _QUICK]
# Where the driver makes no difference, one of each database is enough, and one of them by asyncio.
ONE_OF_EACH_DRIVERS = [driver for driver in DRIVERS if driver in _QUICK]

on_each_database = pytest.mark.parametrize(
    "database",
    MATRIX_DRIVERS,
    indirect=True,
)


def sizes_on(url: URL) -> tuple[int, ...]:
    """Return the sizes of the pages that every shape is walked through in, by a driver.

    Pages of one row are the most telling ones, and cost the most, on servers above all.
    """
    if not IS_FULL:
        return (3,) if url.drivername == "sqlite+pysqlite" else (7,)
    if url.drivername == "sqlite+pysqlite":
        return (1, 3, 7)
    return (1, 7) if url.drivername in ("postgresql+psycopg", "mariadb+pymysql") else (3,)


# The sync driver that fills and looks into a database whatever the driver under test.
_FILLING = {"sqlite": "pysqlite", "postgresql": "psycopg", "mariadb": "pymysql"}


@dataclass
class Caller:
    """A session, or a connection, on which sync and asyncio functions are called alike."""

    session: Any
    loop: asyncio.Runner | None

    def __call__(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Run a function of sqla_pages, or its `async_` twin, on the session."""
        if self.loop is None:
            return getattr(sqla_pages, name)(self.session, *arguments, **options)
        return self.loop.run(
            getattr(sqla_pages, f"async_{name}")(self.session, *arguments, **options)
        )

    def verify(self, *arguments: Any, **options: Any) -> None:
        """Run `assert_pages_match`, or its `async_` twin, on the session."""
        if self.loop is None:
            testing.assert_pages_match(self.session, *arguments, **options)
        else:
            self.loop.run(testing.async_assert_pages_match(self.session, *arguments, **options))

    def forget(self) -> None:
        """Let go of loaded entities, so that the next ones are loaded as their statement says."""
        self.session.expunge_all()

    def execute(self, statement: Any) -> Any:
        """Execute a statement on the session itself."""
        result = self.session.execute(statement)
        return result if self.loop is None else self.loop.run(result)


@dataclass
class Database:
    """One database through one driver."""

    url: URL
    loop: asyncio.Runner = field(default_factory=asyncio.Runner)

    @property
    def is_async(self) -> bool:
        return self.url.get_dialect().is_async

    @property
    def backend(self) -> str:
        return self.url.get_backend_name()

    @property
    def url_text(self) -> str:
        return self.url.render_as_string(hide_password=False)

    @property
    def sync_url(self) -> URL:
        return self.url.set(drivername=f"{self.backend}+{_FILLING[self.backend]}")

    @cached_property
    def _engine(self) -> Any:
        make = create_async_engine if self.is_async else create_engine
        return make(self.url, poolclass=NullPool)

    @contextmanager
    def session(self, **options: Any) -> Iterator[Caller]:
        """Open a session through the driver under test."""
        if not self.is_async:
            with Session(self._engine, **options) as session:
                yield Caller(session, None)
            return
        session = AsyncSession(self._engine, **options)
        try:
            yield Caller(session, self.loop)
        finally:
            self.loop.run(session.close())

    @contextmanager
    def core(self) -> Iterator[Caller]:
        """Open a connection through the driver under test."""
        if not self.is_async:
            with self._engine.connect() as connection:
                yield Caller(connection, None)
            return
        connection = self.loop.run(_connected(self._engine))
        try:
            yield Caller(connection, self.loop)
        finally:
            self.loop.run(connection.close())

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Connect by a sync driver, commit at the end."""
        engine = create_engine(self.sync_url, poolclass=NullPool)
        with engine.begin() as connection:
            yield connection
        engine.dispose()

    @contextmanager
    def tables(self, metadata: MetaData) -> Iterator[None]:
        """Have these tables, empty, and none of them afterwards."""
        with self.connect() as connection:
            metadata.drop_all(connection)
            metadata.create_all(connection)
        yield
        with self.connect() as connection:
            metadata.drop_all(connection)

    def close(self) -> None:
        """Let go of the event loop."""
        self.loop.close()


async def _connected(engine: Any) -> AsyncConnection:
    connection: AsyncConnection = await engine.connect()
    return connection


def database_of(
    request: pytest.FixtureRequest, databases: dict[str, Database], driver: str
) -> Database:
    """Return the database under this driver, made at its first use."""
    if driver not in databases:
        url: URL = request.getfixturevalue(f"{driver.split('+')[0]}_url")
        databases[driver] = Database(url.set(drivername=driver))
    return databases[driver]
