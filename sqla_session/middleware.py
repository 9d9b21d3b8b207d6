"""One pure ASGI middleware that ends the sessions of a request before its response begins."""

import logging
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from .errors import NoSessionInScopeError
from .registry import SessionRegistry, default_registry
from .scope import SessionScope, name_of

logger = logging.getLogger("sqla_session")

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_SCOPE_KEY: Final = "sqla_session"
_ERROR_BODY: Final = b"Internal Server Error"


class SessionMiddleware:
    """Ends the sessions of each request and WebSocket; makes none by itself.

    Before the response begins, a status below 400 commits and any other rolls back, so nothing is
    acknowledged that is not committed. A commit that fails turns the response into a plain 500.
    An exception rolls back and goes on. A WebSocket commits when its handler returns. A request
    that uses no session costs no thread and no greenlet.

    Use `sqla_session.setup` or `sqla_session.setup_middlewares` to add it to an application.
    """

    def __init__(self, app: ASGIApp, registry: SessionRegistry = default_registry) -> None:
        self._app = app
        self._registry = registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application within a session scope."""
        kind = scope["type"]
        if kind != "http" and kind != "websocket":
            await self._app(scope, receive, send)
            return

        # In place, as routers do. A mounted application with a middleware of its own goes on by it.
        sessions = scope[_SCOPE_KEY] = SessionScope(self._registry)
        response = _Response(sessions, send)
        try:
            if kind == "http":
                await self._app(scope, receive, response.pass_or_end)
            else:
                await self._app(scope, receive, send)
                await sessions.commit()
        except Exception:
            if not response.is_replaced:
                raise
        finally:
            if sessions.sessions:
                await sessions.close()


def sessions_of(scope: Scope) -> SessionScope:
    """Return the sessions of a request from its ASGI scope.

    Raises:
        NoSessionInScopeError: the application was not set up with the middleware.
    """
    sessions: SessionScope | None = scope.get(_SCOPE_KEY)
    if sessions is None:
        raise NoSessionInScopeError(
            "no session middleware around this request: call sqla_session.setup_middlewares(app), "
            "or sqla_session.setup(app), when the application is made"
        )
    return sessions


class _Response:
    """What the application sends, held back at its start until the sessions have ended."""

    __slots__ = ("_send", "_sessions", "is_replaced")

    def __init__(self, sessions: SessionScope, send: Send) -> None:
        self._sessions = sessions
        self._send = send
        self.is_replaced = False

    # Not a coroutine of its own: what goes straight through costs next to nothing.
    def pass_or_end(self, message: Message) -> Awaitable[None]:
        """Send a message, after the sessions have ended if it is the first one."""
        if self._sessions.sessions or self.is_replaced:
            return self._end_and_send(message)
        return self._send(message)

    async def _end_and_send(self, message: Message) -> None:
        if self.is_replaced:
            return
        if message["type"] == "http.response.start":
            if message["status"] < 400:
                await self._commit()
            else:
                await self._sessions.rollback()
        await self._send(message)

    async def _commit(self) -> None:
        try:
            await self._sessions.commit()
        except Exception as error:
            self.is_replaced = True
            _log_failed_commit(error)
            await self._sessions.close()
            await _send_error(self._send)
            # So that nothing which should follow a success runs: streams, background tasks.
            raise _ResponseReplacedError from error


class _ResponseReplacedError(Exception):
    """Stops the application after its commit has failed and the client was told so."""


async def _send_error(send: Send) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(_ERROR_BODY)).encode()),
    ]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": _ERROR_BODY})


def _log_failed_commit(error: Exception) -> None:
    # Classes and frames only: what a driver says of a violated constraint holds values of the row.
    frames = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    logger.error("commit failed, answering 500: %s\n%s", name_of(error), frames)
