"""One pure ASGI middleware that ends the sessions of a request before its response begins."""

import logging
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from .errors import NoSessionInScopeError
from .scope import SessionScope

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
        outer: _Entry | None = scope.get(_SCOPE_KEY)
        if scope["type"] not in {"http", "websocket"} or (outer and outer[0] is self._registry):
            await self._app(scope, receive, send)
            return

        sessions = SessionScope(self._registry)
        scope[_SCOPE_KEY] = (self._registry, sessions)
        run = _run_http if scope["type"] == "http" else _run_websocket
        try:
            await run(self._app, sessions, scope, receive, send)
        finally:
            await sessions.close()


_Entry: TypeAlias = "tuple[SessionRegistry, SessionScope]"


def sessions_of(scope: Scope) -> SessionScope:
    """Return the sessions of a request from its ASGI scope.

    Raises:
        NoSessionInScopeError: the application was not set up with the middleware.
    """
    entry: _Entry | None = scope.get(_SCOPE_KEY)
    if entry is None:
        raise NoSessionInScopeError(
            "no session middleware around this request: call sqla_session.setup_middlewares(app), "
            "or sqla_session.setup(app), when the application is made"
        )
    return entry[1]


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

    try:
        await app(scope, receive, end_sessions_and_send)
    except Exception:
        if not replaced:
            raise


async def _run_websocket(
    app: ASGIApp, sessions: SessionScope, scope: Scope, receive: Receive, send: Send
) -> None:
    await app(scope, receive, send)
    await sessions.commit()


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
    kinds = [type(error).__qualname__]
    if (cause := getattr(error, "orig", None)) is not None:
        kinds.append(f"{type(cause).__module__}.{type(cause).__qualname__}")
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("commit failed, answering 500: %s\n%s", " from ".join(kinds), frames.rstrip())
