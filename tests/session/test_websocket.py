"""A WebSocket commits when its handler returns, and rolls back when it raises."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import HTTPException, WebSocket, WebSocketException
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, PendingRollbackError
from sqlalchemy.orm import Session
from starlette.websockets import WebSocketDisconnect

from .application import Application, Message, write

Run = Callable[[Callable[[Session], Any]], Awaitable[Any]]

TWO = pytest.mark.parametrize("database", ["sqlite+pysqlite", "postgresql+asyncpg"], indirect=True)


class OddError(Exception):
    pass


@dataclass
class Conversation:
    """What the application sent, what it raised, and how many connections it left open."""

    sent: list[Message]
    error: Exception | None
    left: int

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.sent if message["type"] == "websocket.send"]

    @property
    def code(self) -> int | None:
        [*_, last] = self.sent
        return last.get("code")


def converse(application: Application, *texts: str) -> Conversation:
    """Connect, say these texts and leave; as a server would, without waiting for answers."""
    sent: list[Message] = []
    received = iter(
        [
            {"type": "websocket.connect"},
            *({"type": "websocket.receive", "text": text} for text in texts),
            {"type": "websocket.disconnect", "code": 1001},
        ]
    )
    scope = {
        "type": "websocket",
        "path": "/",
        "headers": [],
        "query_string": b"",
        "subprotocols": [],
    }

    async def receive() -> Message:
        return next(received)

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> Conversation:
        async with application.registry.lifespan():
            try:
                await application.app(scope, receive, send)
                error = None
            except Exception as raised:
                error = raised
            return Conversation(sent, error, application.checked_out())

    return asyncio.run(run())


async def answer(websocket: WebSocket, run: Run) -> None:
    await websocket.accept()
    await run(write(await websocket.receive_text()))
    await websocket.send_text("noted")


def raising(error: Exception) -> Callable[[WebSocket, Run], Awaitable[None]]:
    async def handle(websocket: WebSocket, run: Run) -> None:
        await websocket.accept()
        await run(write("lost"))
        raise error

    return handle


def test_a_handler_that_returns_commits(application: Application) -> None:
    application.websocket("/", answer)

    conversation = converse(application, "hello")

    assert conversation.texts == ["noted"]
    assert application.notes() == ["hello"]
    assert conversation.left == 0


@TWO
@pytest.mark.parametrize("error", [OddError(), WebSocketDisconnect(1001)])
def test_a_handler_that_raises_rolls_back(application: Application, error: Exception) -> None:
    application.websocket("/", raising(error))

    conversation = converse(application)

    assert conversation.error is not None
    assert application.notes() == []
    assert conversation.left == 0


@TWO
@pytest.mark.parametrize("code", [1000, 1008, 4000])
def test_an_exception_that_only_closes_the_websocket_rolls_back(
    application: Application, code: int
) -> None:
    application.websocket("/", raising(WebSocketException(code)))

    conversation = converse(application)

    assert (conversation.code, conversation.error) == (code, None)
    assert application.notes() == []
    assert conversation.left == 0


@TWO
@pytest.mark.parametrize("error", [WebSocketException(1008), HTTPException(403)])
def test_a_refused_handshake_rolls_back(application: Application, error: Exception) -> None:
    async def handle(websocket: WebSocket, run: Run) -> None:
        await run(write("lost"))
        raise error

    application.websocket("/", handle)

    conversation = converse(application)

    assert conversation.error is None
    assert "websocket.accept" not in [message["type"] for message in conversation.sent]
    assert application.notes() == []


@TWO
def test_a_handler_may_close_with_any_code_and_commits(application: Application) -> None:
    async def handle(websocket: WebSocket, run: Run) -> None:
        await websocket.accept()
        await run(write("kept"))
        await websocket.close(4001)

    application.websocket("/", handle)

    assert converse(application).code == 4001
    assert application.notes() == ["kept"]


@TWO
def test_a_client_that_leaves_rolls_back_what_its_handler_does_not_keep(
    application: Application,
) -> None:
    async def handle(websocket: WebSocket, run: Run) -> None:
        await websocket.accept()
        while True:
            await run(write(await websocket.receive_text()))

    application.websocket("/", handle)

    conversation = converse(application, "one", "two")

    assert isinstance(conversation.error, WebSocketDisconnect)
    assert application.notes() == []
    assert conversation.left == 0


@TWO
def test_a_handler_that_catches_the_disconnect_commits(application: Application) -> None:
    async def handle(websocket: WebSocket, run: Run) -> None:
        await websocket.accept()
        try:
            while True:
                await run(write(await websocket.receive_text()))
        except WebSocketDisconnect:
            pass

    application.websocket("/", handle)

    conversation = converse(application, "one", "two")

    assert conversation.error is None
    assert application.notes() == ["one", "two"]


@TWO
def test_each_commit_of_a_handler_stays(application: Application) -> None:
    async def handle(websocket: WebSocket, run: Run) -> None:
        await websocket.accept()
        await run(write("kept"))
        await run(Session.commit)
        await run(write("lost"))
        raise OddError

    application.websocket("/", handle)

    assert isinstance(converse(application).error, OddError)
    assert application.notes() == ["kept"]


def test_a_failing_commit_is_raised(application: Application) -> None:
    def write_twice(session: Session) -> None:
        write("same")(session)
        try:
            write("same")(session)
        except IntegrityError:
            pass

    async def handle(websocket: WebSocket, run: Run) -> None:
        await websocket.accept()
        await run(write_twice)

    application.websocket("/", handle)

    conversation = converse(application)

    assert isinstance(conversation.error, PendingRollbackError)
    assert application.notes() == []
    assert conversation.left == 0


@TWO
def test_a_websocket_that_uses_no_session_opens_no_connection(application: Application) -> None:
    async def handle(websocket: WebSocket, run: Run) -> None:
        taken: list[object] = []
        event.listen(application.engine(), "checkout", lambda *arguments: taken.append(arguments))
        await websocket.accept()
        await websocket.send_text(str(taken))

    application.websocket("/", handle)

    assert converse(application).texts == ["[]"]
