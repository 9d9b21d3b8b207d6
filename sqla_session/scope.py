"""The sessions of one request: made at first use, ended together."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, cast

import anyio
from sqlalchemy import Connection, event
from sqlalchemy.engine import ExecutionContext
from sqlalchemy.orm import Session, SessionTransaction

from . import failures
from .autocommit import commits_by_itself
from .cancellation import to_the_end
from .config import normal_key
from .errors import NoSessionInScopeError
from .statements import may_write
from .threads import enter_gate, to_own_thread

if TYPE_CHECKING:
    from .async_session import SqlaAsyncSession
    from .session import SqlaSession

logger = logging.getLogger("sqla_session")

_INFO_KEY: Final = "sqla_session.scope"


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

    __slots__ = ("_closed", "_ended", "_gate", "_source", "_watches", "sessions")

    def __init__(self, source: SessionSource) -> None:
        self._source = source
        self.sessions: dict[tuple[str, bool], SqlaSession | SqlaAsyncSession] = {}
        self._gate: anyio.CapacityLimiter | None = None
        self._ended = self._closed = False
        self._watches: dict[Session, _Watch] = {}

    async def enter(self) -> None:
        """Wait until this request, which was given a sync session, may use it; until its end."""
        if self._gate is None:
            self._gate = await enter_gate(self)

    def session(self, key: str) -> "SqlaSession":
        """Return the sync session of this key, the same one throughout the request."""
        slot = normal_key(key), False
        if slot not in self.sessions:
            session = self.sessions[slot] = self._source.session(key)
            session.info[_INFO_KEY] = self
        return cast("SqlaSession", self.sessions[slot])

    def async_session(self, key: str) -> "SqlaAsyncSession":
        """Return the asyncio session of this key, the same one throughout the request."""
        slot = normal_key(key), True
        if slot not in self.sessions:
            session = self.sessions[slot] = self._source.async_session(key)
            session.info[_INFO_KEY] = self
        return cast("SqlaAsyncSession", self.sessions[slot])

    async def commit(self) -> None:
        """Flush every session, then commit every session.

        A failing flush leaves nothing committed. A failing commit leaves those sessions committed
        that came before it: sync ones before asyncio ones, each in the order they were made in.
        """
        await self._each(*([_flush] if len(self.sessions) > 1 else []), _commit)
        self._end()

    async def rollback(self) -> None:
        """Roll every session back."""
        await self._each(_rollback)
        self._end()

    async def close(self) -> None:
        """Close every session for good; warn of writes that came after `commit` or `rollback`."""
        self._closed = True
        for (key, _), session in self.sessions.items():
            if self._ended and self._has_changes(_sync(session)):
                logger.warning(
                    "session key %r: changes made after the response began were rolled back; "
                    "use open_session in a background task or a stream, or commit there",
                    key,
                )
        for watch in self._watches.values():
            watch.remove()
        self._watches.clear()
        try:
            if any(_is_used(_sync(session)) for session in self.sessions.values()):
                await self._each(_close)
        finally:
            self._leave()
            for session in self.sessions.values():
                _close(_sync(session))  # with no transaction left, this does no I/O

    def begin(self, session: Session, connection: Connection) -> None:
        """Take note of what `session` writes from now on, if its response has begun.

        Raises:
            NoSessionInScopeError: the request is over; nobody would end the transaction.
        """
        if self._closed:
            connection.close()
            raise NoSessionInScopeError(
                "this session is of a request that has ended: use open_session or "
                "open_async_session in tasks and threads that outlive the request"
            )
        if self._ended:
            if before := self._watches.pop(session, None):
                before.remove()
            self._watches[session] = _Watch(connection)

    def _end(self) -> None:
        self._ended = True
        self._leave()

    def _leave(self) -> None:
        if self._gate is not None:
            self._gate.release_on_behalf_of(self)
            self._gate = None

    def _has_changes(self, session: Session) -> bool:
        watch = self._watches.get(session)
        return _has_pending(session) or bool(session.in_transaction() and watch and watch.written)

    async def _each(self, *steps: Callable[[Session], None]) -> None:
        """Run each step on all sessions in use before the next step, to the end if cancelled."""
        used = [session for session in self.sessions.values() if _is_used(_sync(session))]
        if not used:
            return
        threaded = [session for session in used if isinstance(session, Session)]
        awaited = [session for session in used if not isinstance(session, Session)]

        def run(*steps: Callable[[Session], None]) -> None:
            for step in steps:
                for session in threaded:
                    step(session)

        async def run_all() -> None:
            if not awaited:
                await to_own_thread(run, *steps)
                return
            for step in steps:
                if threaded:
                    await to_own_thread(run, step)
                for session in awaited:
                    await session.run_sync(step)

        await to_the_end(run_all())


class _Watch:
    """A listener for writes in one transaction."""

    __slots__ = ("_connection", "written")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.written = False
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
        if may_write(statement) and not commits_by_itself(connection):
            self.written = True


def begin_in_scope(
    session: Session, transaction: SessionTransaction, connection: Connection
) -> None:
    """Tell the session's scope of a new transaction: a listener for the event `after_begin`."""
    scope: SessionScope | None = session.info.get(_INFO_KEY)
    if scope is not None and not transaction.nested:
        scope.begin(session, connection)


def _sync(session: "SqlaSession | SqlaAsyncSession") -> Session:
    return session if isinstance(session, Session) else session.sync_session


def _has_pending(session: Session) -> bool:
    return bool(session.new or session.dirty or session.deleted)


def _is_used(session: Session) -> bool:
    return session.in_transaction() or _has_pending(session)


def _flush(session: Session) -> None:
    session.flush()
    if session.in_transaction():
        # Fails where a flush has failed before, which was caught.
        failures.check(session.connection())


def _commit(session: Session) -> None:
    session.commit()


def _rollback(session: Session) -> None:
    _end(session, session.rollback)


def _close(session: Session) -> None:
    _end(session, session.close)


def _end(session: Session, end: Callable[[], None]) -> None:
    """Roll back by `end`; failing that, give the connection up, and the database rolls back.

    The error that is answered or propagated already must not be hidden by another one, nor the
    other sessions be left open.
    """
    try:
        end()
    except Exception as error:
        logger.warning("a session was not rolled back but given up: %s", name_of(error))
        with suppress(Exception):
            session.invalidate()


def name_of(error: BaseException) -> str:
    """Return the class of an error, and the driver's: their words may hold values of a row."""
    cause = getattr(error, "orig", None)
    kinds = [error] if cause is None else [error, cause]
    return " from ".join(f"{type(kind).__module__}.{type(kind).__qualname__}" for kind in kinds)
