"""The sessions of one request: made at first use, ended together."""

import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import anyio
from anyio import to_thread
from sqlalchemy import Connection, event
from sqlalchemy.engine import ExecutionContext
from sqlalchemy.orm import Session, SessionTransaction

if TYPE_CHECKING:
    from .async_session import SqlaAsyncSession
    from .session import SqlaSession

logger = logging.getLogger("sqla_session")

_INFO_KEY: Final = "sqla_session.scope"
# Statements that change no row. A WITH may: on PostgreSQL it can hold an INSERT.
_READS: Final = re.compile(
    r"[\s(]*(select|show|explain|values|table|pragma|set|savepoint|release|rollback"
    r"|with(?!.*\b(insert|update|delete|merge)\b))\b",
    re.IGNORECASE | re.DOTALL,
)


class SessionSource(Protocol):
    """What makes new sessions: a registry."""

    def session(self, key: str) -> "SqlaSession":
        """Return a new sync session."""
        ...

    def async_session(self, key: str) -> "SqlaAsyncSession":
        """Return a new asyncio session."""
        ...


class SessionScope:
    """The sessions that one request or WebSocket has asked for, by key.

    Sync sessions work in a thread, all of them in one hop; asyncio sessions in the running loop.
    A session with neither an open transaction nor pending objects costs nothing to end.
    """

    __slots__ = ("_ended", "_sessions", "_source", "_watches", "_written")

    def __init__(self, source: SessionSource) -> None:
        self._source = source
        self._sessions: dict[str, SqlaSession | SqlaAsyncSession] = {}
        self._ended = False
        self._watches: list[_Watch] = []
        self._written: set[Session] = set()

    def session(self, key: str) -> "SqlaSession":
        """Return the sync session of this key, the same one throughout the request."""
        if key not in self._sessions:
            session = self._sessions[key] = self._source.session(key)
            session.info[_INFO_KEY] = self
        return cast("SqlaSession", self._sessions[key])

    def async_session(self, key: str) -> "SqlaAsyncSession":
        """Return the asyncio session of this key, the same one throughout the request."""
        if key not in self._sessions:
            session = self._sessions[key] = self._source.async_session(key)
            session.info[_INFO_KEY] = self
        return cast("SqlaAsyncSession", self._sessions[key])

    async def commit(self) -> None:
        """Flush every session, then commit every session.

        A failing flush leaves nothing committed. A failing commit leaves those sessions committed
        that came before it, in the order in which they were made.
        """
        await self._each(*([_flush] if len(self._sessions) > 1 else []), _commit)
        self._ended = True

    async def rollback(self) -> None:
        """Roll every session back."""
        await self._each(_rollback)
        self._ended = True

    async def close(self) -> None:
        """Close every session; warn of writes that came after `commit` or `rollback`."""
        for watch in self._watches:
            watch.remove()
        for key, session in self._sessions.items():
            if self._ended and self._has_changes(_sync(session)):
                logger.warning(
                    "session key %r: changes made after the response began were rolled back; "
                    "use open_session in a background task or a stream, or commit there",
                    key,
                )
        await self._each(_close)
        for session in self._sessions.values():
            _sync(session).close()  # with no transaction left, this does no I/O

    def watch(self, session: Session, connection: Connection) -> None:
        """Take note of what `session` writes from now on, if its response has begun."""
        if self._ended:
            self._written.discard(session)
            self._watches.append(_Watch(connection, lambda: self._written.add(session)))

    def _has_changes(self, session: Session) -> bool:
        return _has_pending(session) or (session.in_transaction() and session in self._written)

    async def _each(self, *steps: Callable[[Session], None]) -> None:
        """Run each step on all sessions in use before the next step; not cancelled half-way."""
        used = [session for session in self._sessions.values() if _is_used(_sync(session))]
        if not used:
            return
        threaded = [session for session in used if isinstance(session, Session)]
        awaited = [session for session in used if not isinstance(session, Session)]

        def run(*steps: Callable[[Session], None]) -> None:
            for step in steps:
                for session in threaded:
                    step(session)

        with anyio.CancelScope(shield=True):
            if not awaited:
                await _in_thread(run, *steps)
                return
            for step in steps:
                if threaded:
                    await _in_thread(run, step)
                for session in awaited:
                    await session.run_sync(step)


class _Watch:
    """A listener for writes on one connection."""

    __slots__ = ("_connection", "_on_write")

    def __init__(self, connection: Connection, on_write: Callable[[], None]) -> None:
        self._connection = connection
        self._on_write = on_write
        event.listen(connection, "after_cursor_execute", self._listen)

    def remove(self) -> None:
        event.remove(self._connection, "after_cursor_execute", self._listen)

    def _listen(
        self,
        connection: Connection,
        cursor: object,
        statement: str,
        parameters: object,
        context: ExecutionContext,
        executemany: bool,
    ) -> None:
        if not _READS.match(statement):
            self._on_write()


def watch_writes(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    """Tell the session's scope of a new transaction: a listener for the event `after_begin`."""
    scope: SessionScope | None = session.info.get(_INFO_KEY)
    if scope is not None and not transaction.nested:
        scope.watch(session, connection)


async def _in_thread(work: Callable[..., None], *arguments: Any) -> None:
    # With a limiter of its own: threads that wait for a connection must not keep this one, which
    # gives connections back, waiting for a thread.
    await to_thread.run_sync(work, *arguments, limiter=anyio.CapacityLimiter(1))


def _sync(session: "SqlaSession | SqlaAsyncSession") -> Session:
    return session if isinstance(session, Session) else session.sync_session


def _has_pending(session: Session) -> bool:
    return bool(session.new or session.dirty or session.deleted)


def _is_used(session: Session) -> bool:
    return session.in_transaction() or _has_pending(session)


def _flush(session: Session) -> None:
    session.flush()


def _commit(session: Session) -> None:
    session.commit()


def _rollback(session: Session) -> None:
    session.rollback()


def _close(session: Session) -> None:
    session.close()
