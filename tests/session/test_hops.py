"""What a request costs: hops to threads, and switches of greenlets."""

import asyncio
from collections.abc import Callable
from typing import Any

import greenlet
import pytest
from anyio import to_thread
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.orm import Session

from sqla_session import AsyncSession
from sqla_session import Session as SessionParameter

from .application import Application, Note, write
from .test_cancellation import request
from .test_failures import keyed, with_both

SYNC = pytest.mark.parametrize("database", ["sqlite+pysqlite"], indirect=True)
ASYNC = pytest.mark.parametrize(
    "database", ["sqlite+aiosqlite", "postgresql+asyncpg"], indirect=True
)
EACH = pytest.mark.parametrize("database", ["sqlite+pysqlite", "sqlite+aiosqlite"], indirect=True)


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions that were run in a thread, whoever asked for it."""
    seen: list[str] = []
    run_sync = to_thread.run_sync

    def run_and_tell(work: Any, *arguments: Any, **options: Any) -> Any:
        seen.append(getattr(work, "__qualname__", repr(work)))
        return run_sync(work, *arguments, **options)

    monkeypatch.setattr(to_thread, "run_sync", run_and_tell)
    monkeypatch.setattr("anyio.to_thread.run_sync", run_and_tell)
    return seen


def serve(application: Application, hops: list[str], times: int = 2) -> int:
    """Requests to /, after a first one; return the hops of the last."""

    async def run() -> int:
        async with application.registry.lifespan():
            for _ in range(times):
                hops.clear()
                sent = await request(application)
                assert sent == ["http.response.start", "http.response.body"]
            return len(hops)

    return asyncio.run(run())


async def plain_async() -> int:
    return 1


def plain_sync() -> int:
    return 1


async def unused_in_async(session: AsyncSession) -> int:
    return 1


def unused_in_sync(session: SessionParameter) -> int:
    return 1


async def unused_sync_in_async(session: SessionParameter) -> int:
    return 1


@EACH
@pytest.mark.parametrize(("endpoint", "expected"), [(plain_async, 0), (plain_sync, 2)])
def test_an_endpoint_without_a_session_takes_no_more_than_without_the_middleware(
    application: Application, hops: list[str], endpoint: Any, expected: int
) -> None:
    application.app.get("/")(endpoint)
    without = Application(application.database)
    without.app = FastAPI()
    without.app.get("/")(endpoint)

    assert serve(application, hops) == serve(without, hops) == expected


@SYNC
@pytest.mark.parametrize(("endpoint", "expected"), [(unused_sync_in_async, 0), (unused_in_sync, 2)])
def test_a_sync_session_that_is_not_used_takes_none(
    application: Application, hops: list[str], endpoint: Any, expected: int
) -> None:
    application.app.get("/")(endpoint)

    assert serve(application, hops) == expected


@ASYNC
def test_an_asyncio_session_that_is_not_used_takes_none(
    application: Application, hops: list[str]
) -> None:
    application.app.get("/")(unused_in_async)

    assert serve(application, hops) == 0


@pytest.mark.parametrize(
    "database", ["sqlite+pysqlite", "postgresql+psycopg", "mariadb+pymysql"], indirect=True
)
def test_a_sync_endpoint_that_queries_takes_one_to_commit_and_close(
    application: Application, hops: list[str]
) -> None:
    def endpoint(session: SessionParameter) -> int:
        return len(session.scalars(select(Note)).all())

    application.app.get("/")(endpoint)

    # FastAPI's own two: the endpoint and the validation of what it returned.
    assert serve(application, hops) == 3


@SYNC
def test_two_sync_sessions_are_ended_in_one(tables: Any, hops: list[str]) -> None:
    application = keyed(tables)
    with_both(application, lambda one: one.execute(select(1)), lambda one: one.execute(select(1)))

    # FastAPI's one, to the endpoint; it has nothing to validate.
    assert serve(application, hops) == 2


@SYNC
def test_a_sync_endpoint_that_commits_by_itself_takes_none(
    application: Application, hops: list[str]
) -> None:
    def endpoint(session: SessionParameter) -> int:
        count = len(session.scalars(select(Note)).all())
        session.commit()
        return count

    application.app.get("/")(endpoint)

    assert serve(application, hops) == 2


@ASYNC
def test_an_asyncio_endpoint_that_writes_takes_none(
    application: Application, hops: list[str]
) -> None:
    application.get("/", write("kept"))

    assert serve(application, hops, times=1) == 0
    assert application.notes() == ["kept"]


def switches(application: Application) -> int:
    """How many switches of greenlets one request to / makes."""
    seen: list[object] = []

    async def run() -> int:
        async with application.registry.lifespan():
            before = greenlet.gettrace()
            greenlet.settrace(lambda *arguments: seen.append(arguments))
            try:
                await request(application)
            finally:
                greenlet.settrace(before)
            return len(seen)

    return asyncio.run(run())


@ASYNC
@pytest.mark.parametrize("endpoint", [plain_async, unused_in_async])
def test_a_request_that_uses_no_session_switches_no_greenlet(
    application: Application, endpoint: Callable[..., Any]
) -> None:
    application.app.get("/")(endpoint)

    assert switches(application) == 0


@ASYNC
def test_a_request_that_uses_its_session_does_switch_greenlets(application: Application) -> None:
    def work(session: Session) -> None:
        session.execute(select(1))

    application.get("/", work)

    assert switches(application) > 0
