"""One pure ASGI middleware that ends the sessions of a request before its response begins."""

import logging
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from .errors import NoSessionInScopeError
from .scope import SessionScope, name_of

if TYPE_CHECKING:
    from .registry import SessionRegistry

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

    def __init__(self, app: ASGIApp, registry: "SessionRegistry") -> None:
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
        try:
            if kind == "http":
                await _run_http(self._app, sessions, scope, receive, send)
            else:
                await self._app(scope, receive, send)
                await sessions.commit()
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


async def _run_http(
    app: ASGIApp, sessions: SessionScope, scope: Scope, receive: Receive, send: Send
) -> None:
    replaced = False

    async def end_sessions_and_send(message: Message) -> None:
        nonlocal replaced
        if replaced:
            return
        if message["type"] == "http.response.start":
            if message["status"] >= 400:
                await sessions.rollback()
            else:
                try:
                    await sessions.commit()
                except Exception as error:
                    replaced = True
                    _log_failed_commit(error)
                    await sessions.close()
                    await _send_error(send)
                    # So that nothing which should follow a success runs: streams, background tasks.
                    raise _ResponseReplacedError from error
        await send(message)

    # Not a coroutine of its own: what goes straight through costs next to nothing.
    def pass_or_end(message: Message) -> Awaitable[None]:
        if sessions.sessions or replaced:
            return end_sessions_and_send(message)
        return send(message)

    try:
        await app(scope, receive, pass_or_end)
    except Exception:
        if not replaced:
            raise


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
