"""The FastAPI dependencies that hand the sessions of a request to its endpoint."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from .config import DEFAULT_KEY
from .middleware import sessions_of
from .scope import SessionScope
from .session import SqlaSession

if TYPE_CHECKING:
    from .async_session import SqlaAsyncSession


@dataclass(frozen=True)
class SessionDependency:
    """The sync session of a key, for `Depends`.

    One session per key and request. It is committed before the response begins if the status is
    below 400, rolled back otherwise.

    Raises:
        NoSessionInScopeError: the application has no session middleware.
        UnknownSessionKeyError: no such key was started.
        ConfigurationError: the key is configured with an asyncio dialect.

    Example:
        >>> from typing import Annotated
        >>> from fastapi import Depends
        >>> from sqla_session import SessionDependency, SqlaSession
        >>> ReadOnlySession = Annotated[SqlaSession, Depends(SessionDependency(key="read_only"))]
    """

    key: str = DEFAULT_KEY

    # async def, because FastAPI would run a plain function in a thread.
    async def __call__(self, connection: HTTPConnection) -> AsyncGenerator[SqlaSession, None]:
        """Yield the session."""
        sessions = sessions_of(connection.scope)
        session = sessions.session(self.key)
        if connection.scope["type"] == "http":
            await sessions.enter()
        try:
            yield session
        except Exception:
            await _handler_raised(connection, sessions)
            raise


@dataclass(frozen=True)
class AsyncSessionDependency:
    """The asyncio session of a key, for `Depends`; otherwise as `SessionDependency`.

    Example:
        >>> from typing import Annotated
        >>> from fastapi import Depends
        >>> from sqla_session import AsyncSessionDependency, SqlaAsyncSession
        >>> dependency = AsyncSessionDependency(key="read_only")
        >>> AsyncReadOnlySession = Annotated[SqlaAsyncSession, Depends(dependency)]
    """

    key: str = DEFAULT_KEY

    async def __call__(
        self, connection: HTTPConnection
    ) -> "AsyncGenerator[SqlaAsyncSession, None]":
        """Yield the session."""
        sessions = sessions_of(connection.scope)
        session = sessions.async_session(self.key)
        try:
            yield session
        except Exception:
            await _handler_raised(connection, sessions)
            raise


async def _handler_raised(connection: HTTPConnection, sessions: SessionScope) -> None:
    # An HTTP response tells the middleware by its status. A WebSocket has none, and where an
    # exception handler closes it (WebSocketException has one), nothing is raised any more.
    if connection.scope["type"] == "websocket":
        await sessions.rollback()


Session = Annotated[SqlaSession, Depends(SessionDependency())]
"""The default sync session of the request, as the annotation of a parameter."""
