"""An HTTP request commits before its response begins, or rolls back."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy import event
from sqlalchemy.orm import Session
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware

from .application import Application, Message, Note, Outside, write

TWO = pytest.mark.parametrize("database", ["sqlite+pysqlite", "postgresql+asyncpg"], indirect=True)


class OddError(Exception):
    pass


def write_and_raise(error: Exception) -> Callable[[Session], Any]:
    def work(session: Session) -> Any:
        write("lost")(session)
        raise error

    return work


def test_a_write_is_committed_before_the_response_begins(application: Application) -> None:
    application.get("/", write("kept", answer={"ok": True}))
    seen: list[tuple[str, list[str]]] = []

    def look(message: Message) -> None:
        seen.append((message["type"], application.notes()))

    with application.client(Outside(application.app, look)) as client:
        response = client.get("/")

    assert (response.status_code, response.json()) == (200, {"ok": True})
    assert seen == [("http.response.start", ["kept"]), ("http.response.body", ["kept"])]


def test_pending_objects_are_committed_without_a_flush(application: Application) -> None:
    application.get("/", lambda session: session.add(Note(body="kept")))

    assert application.call().status_code == 200
    assert application.notes() == ["kept"]


def test_the_connection_is_back_in_the_pool_when_the_response_begins(
    application: Application,
) -> None:
    application.get("/", write("kept"))
    counts: list[int] = []

    with application.client(
        Outside(application.app, lambda message: counts.append(application.checked_out()))
    ) as client:
        client.get("/")

    assert counts == [0, 0]


@TWO
@pytest.mark.parametrize("status", [200, 201, 204, 303, 304, 399])
def test_a_status_below_400_commits(application: Application, status: int) -> None:
    application.get("/", write("kept", answer=Response(status_code=status)))

    with application.client() as client:
        response = client.get("/", follow_redirects=False)

    assert response.status_code == status
    assert application.notes() == ["kept"]


@TWO
@pytest.mark.parametrize("status", [400, 404, 422, 500, 599])
def test_a_status_of_400_and_above_rolls_back(application: Application, status: int) -> None:
    application.get("/", write("lost", answer=Response(status_code=status)))

    assert application.call().status_code == status
    assert application.notes() == []


def test_an_http_exception_rolls_back(application: Application) -> None:
    application.get("/", write_and_raise(HTTPException(409, "conflict")))

    response = application.call()

    assert (response.status_code, response.json()) == (409, {"detail": "conflict"})
    assert application.notes() == []


@TWO
def test_a_response_that_does_not_validate_rolls_back(application: Application) -> None:
    endpoint = application.endpoint(write("lost", answer="not a number"))
    application.app.get("/", response_model=int)(endpoint)

    assert application.call().status_code == 500
    assert application.notes() == []


def test_an_exception_rolls_back_and_reaches_the_outer_middlewares(
    application: Application,
) -> None:
    application.get("/", write_and_raise(OddError("boom")))
    seen: list[BaseException] = []

    async def outside(scope: Any, receive: Any, send: Any) -> None:
        try:
            await application.app(scope, receive, send)
        except OddError as error:
            seen.append(error)

    with application.client(outside) as client:
        response = client.get("/")
        left = application.checked_out()

    assert response.status_code == 500
    assert [str(error) for error in seen] == ["boom"]
    assert application.notes() == []
    assert left == 0


@TWO
@pytest.mark.parametrize(("status", "kept"), [(200, ["lost"]), (400, [])])
def test_the_status_decides_where_a_handler_answers_an_exception(
    application: Application, status: int, kept: list[str]
) -> None:
    application.get("/", write_and_raise(OddError()))

    async def answer(request: Request, error: Exception) -> Response:
        return Response("handled", status_code=status)

    application.app.add_exception_handler(OddError, answer)

    response = application.call()

    assert (response.status_code, response.text) == (status, "handled")
    assert application.notes() == kept


@TWO
def test_an_own_commit_in_the_endpoint_stays_when_the_response_is_an_error(
    application: Application,
) -> None:
    def work(session: Session) -> Response:
        write("kept")(session)
        session.commit()
        write("lost")(session)
        return Response(status_code=500)

    application.get("/", work)

    assert application.call().status_code == 500
    assert application.notes() == ["kept"]


@TWO
def test_a_savepoint_that_failed_leaves_the_rest_to_be_committed(
    application: Application,
) -> None:
    def work(session: Session) -> None:
        write("kept")(session)
        savepoint = session.begin_nested()
        write("lost")(session)
        savepoint.rollback()

    application.get("/", work)

    assert application.call().status_code == 200
    assert application.notes() == ["kept"]


@TWO
def test_a_head_request_commits(application: Application) -> None:
    application.app.head("/")(application.endpoint(write("kept")))

    response = application.call(method="HEAD")

    assert (response.status_code, response.content) == (200, b"")
    assert application.notes() == ["kept"]


@TWO
def test_a_redirect_commits_once_for_each_request(application: Application) -> None:
    application.get("/", write("first", answer=RedirectResponse("/second")))
    application.get("/second", write("second"))

    assert application.call().status_code == 200
    assert application.notes() == ["first", "second"]


async def pass_on(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    return await call_next(request)


@TWO
@pytest.mark.parametrize("place", ["inside", "outside"])
@pytest.mark.parametrize("status", [200, 400])
def test_other_middlewares_inside_and_outside_change_nothing(
    tables: Any, place: str, status: int
) -> None:
    application = Application(tables)
    middlewares = application.app.user_middleware
    at = len(middlewares) if place == "inside" else 0
    application.app.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
    application.app.add_middleware(GZipMiddleware, minimum_size=10)
    added = [middlewares.pop(0), middlewares.pop(0)]
    middlewares[at:at] = added
    content = {"content": "long " * 20}
    application.get("/", write("kept", answer=JSONResponse(content, status_code=status)))

    response = application.call()

    assert (response.status_code, response.json()) == (status, content)
    assert response.headers["content-encoding"] == "gzip"
    assert application.notes() == (["kept"] if status == 200 else [])


@TWO
def test_an_exception_reaches_a_base_http_middleware_inside_and_rolls_back(tables: Any) -> None:
    application = Application(tables)
    seen: list[str] = []

    async def catch(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        try:
            return await call_next(request)
        except OddError as error:
            seen.append(str(error))
            return Response("caught", status_code=503)

    middlewares = application.app.user_middleware
    application.app.add_middleware(BaseHTTPMiddleware, dispatch=catch)
    middlewares.append(middlewares.pop(0))
    application.get("/", write_and_raise(OddError("boom")))

    response = application.call()

    assert (response.status_code, response.text, seen) == (503, "caught", ["boom"])
    assert application.notes() == []


@TWO
def test_a_request_that_uses_no_session_opens_no_connection(application: Application) -> None:
    application.get("/", lambda session: "nothing")
    taken: list[object] = []

    with application.client() as client:
        event.listen(application.engine(), "checkout", lambda *arguments: taken.append(arguments))
        response = client.get("/")

    assert (response.json(), taken) == ("nothing", [])
