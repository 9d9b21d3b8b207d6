"""What a registry's sessions are bound to in a test, in place of its engines."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from .savepoints import SharedConnection
from .session import SqlaSession
from .sessions import new_async_session, new_session

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from .async_session import SqlaAsyncSession


@dataclass(frozen=True, slots=True)
class Override:
    """The shared connections of a `SessionRegistry.override`, and sessions on them."""

    shared: SharedConnection | None = None
    async_shared: SharedConnection | None = None

    @property
    def to_reflect(self) -> "Connection | AsyncConnection | None":
        """The connection that startup reads the tables by."""
        shared = self.shared or self.async_shared
        return shared.connection if shared else None

    def bind(self, *, is_async: bool) -> "Connection | AsyncConnection | None":
        """Return what to bind a new session to, whatever its key."""
        shared = self.async_shared if is_async else self.shared
        return shared.for_session() if shared else None

    def session(self) -> SqlaSession:
        """Return a new sync session, whatever the keys are configured with."""
        return new_session(self.bind(is_async=False))

    def async_session(self) -> "SqlaAsyncSession":
        """Return a new asyncio session, whatever the keys are configured with."""
        return new_async_session(self.bind(is_async=True))
