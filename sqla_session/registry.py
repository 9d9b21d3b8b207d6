"""The engines of an application by session key, and new sessions on them."""

import os
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import anyio
from sqlalchemy import Connection, Engine
from sqlalchemy.ext.declarative import DeferredReflection

from .base import Base
from .cancellation import to_the_end
from .config import DEFAULT_KEY, EngineSettings, normal_key, read_settings
from .engines import check, dispose, new_engine, reflect
from .errors import ConfigurationError, UnknownSessionKeyError
from .override import Override
from .savepoints import SharedConnection
from .session import SqlaSession
from .sessions import new_async_session, new_session

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from .async_session import SqlaAsyncSession


@dataclass(frozen=True, slots=True)
class _Source:
    """What the sessions of one key are bound to.

    In an override: what it has for their kind; None is either kind, as asked for.
    """

    is_async: bool | None
    bind: "Engine | AsyncEngine | None" = None


_NOTHING: Final[Mapping[str, _Source]] = MappingProxyType({})


class SessionRegistry:
    """The engines of one application, by session key.

    The functions of this package use one default instance, configured by environment variables;
    an application that needs another makes it.

    Args:
        settings: variables as in the environment, but with values of any type; the environment as
            it is at startup if left out.
        base: the declarative base to reflect at startup.

    Example:
        >>> import asyncio
        >>> from sqlalchemy import text
        >>> from sqla_session import SessionRegistry
        >>> registry = SessionRegistry({"sqlalchemy_url": "sqlite://"})
        >>> asyncio.run(registry.startup())
        >>> with registry.open_session() as session:
        ...     session.scalar(text("SELECT 1"))
        1
        >>> asyncio.run(registry.shutdown())
    """

    def __init__(
        self,
        settings: Mapping[str, Any] | None = None,
        *,
        base: type[DeferredReflection] = Base,
    ) -> None:
        self._variables = settings
        self._base = base
        self._sources = _NOTHING
        self._override: Override | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The session keys that are started, the default one first."""
        return tuple(self._sources)

    async def startup(self) -> None:
        """Make and try the engine of every key, then reflect the base on the first key.

        A second call without `shutdown` keeps the engines, and reflects classes that are new.

        Raises:
            ConfigurationError: settings that are wrong, or a database that does not answer or
                lacks a table of the base; the message names the key and the variable. No engine
                made by this call is left behind.
        """
        is_first = not self._sources
        if self._override:
            self._sources = _overridden(self._read_keys())
        elif is_first:
            self._sources = await self._connected()
        try:
            for key, source in self._sources.items():
                bind = self._override.to_reflect if self._override else source.bind
                if bind is not None:
                    await reflect(key, bind, self._base)
                    break
        except BaseException:
            if is_first:
                await self.shutdown()
            raise

    async def shutdown(self) -> None:
        """Dispose of every engine; `startup` can follow."""
        sources, self._sources = self._sources, _NOTHING
        with anyio.CancelScope(shield=True):
            for source in sources.values():
                await dispose(source.bind)

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncGenerator[None, None]:
        """Start up on entry, shut down on exit: the lifespan of an application.

        Example:
            >>> from fastapi import FastAPI
            >>> from sqla_session import lifespan
            >>> app = FastAPI(lifespan=lifespan)
        """
        await self.startup()
        try:
            yield
        finally:
            await self.shutdown()

    def session(self, key: str = DEFAULT_KEY) -> SqlaSession:
        """Return a new sync session, which the caller commits and closes.

        Raises:
            UnknownSessionKeyError: no such key was started.
            ConfigurationError: the key is configured with an asyncio dialect.
        """
        return new_session(self._bind(key, is_async=False))

    def async_session(self, key: str = DEFAULT_KEY) -> "SqlaAsyncSession":
        """Return a new asyncio session, which the caller commits and closes.

        It does not expire objects on commit, since they could not be refreshed on access.

        Raises:
            UnknownSessionKeyError: no such key was started.
            ConfigurationError: the key is configured with a sync dialect.
        """
        return new_async_session(self._bind(key, is_async=True))

    @contextmanager
    def open_session(self, key: str = DEFAULT_KEY) -> Generator[SqlaSession, None, None]:
        """Open a session outside of a request: commit on a clean exit, else roll back.

        Example:
            >>> from sqla_session import open_session
            >>> def in_the_background() -> None:
            ...     with open_session() as session:
            ...         session.add(User(name="Ada"))
        """
        with self.session(key) as session:
            yield session
            session.commit()

    @asynccontextmanager
    async def open_async_session(
        self, key: str = DEFAULT_KEY
    ) -> "AsyncGenerator[SqlaAsyncSession, None]":
        """Open an asyncio session outside of a request: commit on a clean exit, else roll back.

        Example:
            >>> from sqla_session import open_async_session
            >>> async def in_the_background() -> None:
            ...     async with open_async_session() as session:
            ...         session.add(User(name="Ada"))
        """
        session = self.async_session(key)
        try:
            yield session
            await to_the_end(session.commit())
        finally:
            await to_the_end(session.close())

    @contextmanager
    def override(
        self,
        connection: Connection | None = None,
        async_connection: "AsyncConnection | None" = None,
    ) -> "Generator[Override, None, None]":
        """Bind every sync and every asyncio key to the connection given for it, for tests.

        The connection is in a transaction, which its giver rolls back; each session works within
        it as if it had the connection to itself. `startup` makes no engine meanwhile, and needs no
        settings: without any, there is a default key for both kinds. A key whose kind of
        connection was not given refuses to make a session. Overrides within each other add up.
        """
        before = self._override, self._sources
        outer = self._override or Override()
        self._override = Override(
            SharedConnection(connection) if connection is not None else outer.shared,
            SharedConnection(async_connection)
            if async_connection is not None
            else outer.async_shared,
        )
        self._sources = _overridden({key: source.is_async for key, source in before[1].items()})
        try:
            yield self._override
        finally:
            self._override, self._sources = before

    async def _connected(self) -> Mapping[str, _Source]:
        sources: dict[str, _Source] = {}
        try:
            for key, settings in self._settings().items():
                engine = new_engine(settings)
                sources[key] = _Source(settings.is_async, engine)
                await check(settings, engine)
        except BaseException:
            with anyio.CancelScope(shield=True):
                for source in sources.values():
                    await dispose(source.bind)
            raise
        return MappingProxyType(sources)

    def _settings(self) -> Mapping[str, EngineSettings]:
        return read_settings(os.environ if self._variables is None else self._variables)

    def _read_keys(self) -> Mapping[str, bool | None]:
        try:
            return {key: settings.is_async for key, settings in self._settings().items()}
        except ConfigurationError:
            return {}

    def _bind(self, key: str, *, is_async: bool) -> object:
        source = self._sources.get(normal_key(key))
        if source is None:
            known = ", ".join(map(repr, self._sources)) or "none, since startup() has not run"
            raise UnknownSessionKeyError(f"no session key {key!r}; known keys: {known}")
        if source.is_async is (not is_async):
            kind, other = ("a sync", "Session") if is_async else ("an asyncio", "AsyncSession")
            raise ConfigurationError(
                f"session key {key!r} is configured with {kind} dialect: use {other}, "
                f"{other}Dependency or {'open_session' if is_async else 'open_async_session'}"
            )
        bind = self._override.bind(is_async=is_async) if self._override else source.bind
        if bind is None:
            fixture = "async_session" if is_async else "session"
            raise ConfigurationError(
                f"session key {key!r} has no connection in this test: "
                f"request the fixture {fixture}, or mark the test with dont_patch_engines"
            )
        return bind


def _overridden(kinds: Mapping[str, bool | None]) -> Mapping[str, _Source]:
    kinds = kinds or {DEFAULT_KEY: None}
    return MappingProxyType({key: _Source(is_async) for key, is_async in kinds.items()})


default_registry: Final = SessionRegistry()

startup = default_registry.startup
shutdown = default_registry.shutdown
lifespan = default_registry.lifespan
open_session = default_registry.open_session
open_async_session = default_registry.open_async_session
