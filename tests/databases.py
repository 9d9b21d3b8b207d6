"""A database under each of its drivers, and one way to call sync and asyncio code on it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import URL, Connection, MetaData, NullPool, create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

import sqla_pages

from .servers import HAS_MARIADB

SYNC_DRIVERS = ["sqlite+pysqlite", "postgresql+psycopg2", "postgresql+psycopg"]
ASYNC_DRIVERS = ["sqlite+aiosqlite", "postgresql+asyncpg", "postgresql+psycopg_async"]
if HAS_MARIADB:
    SYNC_DRIVERS.append("mariadb+pymysql")
    ASYNC_DRIVERS.append("mariadb+asyncmy")
DRIVERS = SYNC_DRIVERS + ASYNC_DRIVERS

# The sync driver that fills and looks into a database whatever the driver under test.
_FILLING = {"sqlite": "pysqlite", "postgresql": "psycopg", "mariadb": "pymysql"}


@dataclass
class Database:
    """One database through one driver.

    `call("offset_page", statement, ...)` runs that function of sqla_pages, or its `async_` twin
    where the driver is an asyncio one, on a session of its own: one test body serves both.
    """

    url: URL
    loop: asyncio.Runner = field(default_factory=asyncio.Runner)

    @property
    def is_async(self) -> bool:
        return self.url.get_dialect().is_async

    @property
    def backend(self) -> str:
        return "mariadb" if self.url.get_backend_name() == "mysql" else self.url.get_backend_name()

    @property
    def url_text(self) -> str:
        return self.url.render_as_string(hide_password=False)

    @property
    def sync_url(self) -> URL:
        return self.url.set(drivername=f"{self.backend}+{_FILLING[self.backend]}")

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

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Run a function of sqla_pages, or its asyncio twin, on a new session."""
        return self.with_session(lambda session: self.on(session, name, *arguments, **options))

    def on(self, session: Any, name: str, *arguments: Any, **options: Any) -> Any:
        """Call a function of sqla_pages, or its asyncio twin, on this session."""
        function = getattr(sqla_pages, f"async_{name}" if self.is_async else name)
        return function(session, *arguments, **options)

    def with_session(self, work: Callable[[Any], Any], **options: Any) -> Any:
        """Run `work(session)`, awaiting what it returns where the driver is an asyncio one."""
        if not self.is_async:
            engine = create_engine(self.url, poolclass=NullPool)
            with Session(engine, **options) as session:
                result = work(session)
            engine.dispose()
            return result

        async def run() -> Any:
            engine = create_async_engine(self.url, poolclass=NullPool)
            async with AsyncSession(engine, **options) as session:
                result = await work(session)
            await engine.dispose()
            return result

        return self.loop.run(run())
