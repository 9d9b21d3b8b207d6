"""What the session middleware costs an endpoint that touches no database. Run by hand:

    python benchmarks/middleware.py [rounds]

Requests are raw ASGI calls in one process, without a network. The applications take turns within
each round, in an order that alternates; the median of the rounds' ratios is printed with its
quartiles. Then come the thread hops of one request each.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sqla_pages import AsyncPaginate, Page, Paginate
from sqla_session import AsyncSession, Session, SessionRegistry, setup_middlewares

CALLS = 200
"""Requests in one measurement."""


class Model(DeclarativeBase):
    pass


class Note(Model):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)


class NoteModel(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int


NOTES = select(Note).order_by(Note.id)


def endpoint_sync() -> dict[str, bool]:
    return {"ok": True}


async def endpoint_async() -> dict[str, bool]:
    return {"ok": True}


def unused_sync(session: Session) -> dict[str, bool]:
    return {"ok": True}


async def unused_async(session: AsyncSession) -> dict[str, bool]:
    return {"ok": True}


def page_sync(paginate: Paginate) -> Any:
    return paginate(NOTES)


async def page_async(paginate: AsyncPaginate) -> Any:
    return await paginate(NOTES)


def application(
    endpoint: Callable[..., Any], registry: SessionRegistry | None, **route: Any
) -> Any:
    app = FastAPI(openapi_url=None)
    app.get("/", **route)(endpoint)
    if registry:
        setup_middlewares(app, registry)
    return app


async def call(app: Any) -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": [],
        "query_string": b"",
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200

    await app(scope, receive, send)


async def seconds(app: Any) -> float:
    began = time.perf_counter()
    for _ in range(CALLS):
        await call(app)
    return time.perf_counter() - began


async def compare(plain: Any, wrapped: Any, rounds: int) -> tuple[list[float], float]:
    """Return the ratio of each round, and the seconds of a plain request."""
    for app in (plain, wrapped):
        await seconds(app)
    ratios: list[float] = []
    plains: list[float] = []
    for number in range(rounds):
        if number % 2:
            with_it, without = await seconds(wrapped), await seconds(plain)
        else:
            without, with_it = await seconds(plain), await seconds(wrapped)
        ratios.append(with_it / without)
        plains.append(without / CALLS)
    return ratios, statistics.median(plains)


async def hops_of(app: Any) -> int:
    """Return the thread hops of one request, after a first one."""
    seen: list[object] = []
    run_sync = to_thread.run_sync

    def count(work: Any, *arguments: Any, **options: Any) -> Any:
        seen.append(work)
        return run_sync(work, *arguments, **options)

    await call(app)
    to_thread.run_sync = count
    try:
        await call(app)
    finally:
        to_thread.run_sync = run_sync
    return len(seen)


async def main(rounds: int, folder: str) -> None:
    file = Path(folder) / "benchmark.sqlite"
    by_kind = {
        "sync": SessionRegistry({"sqlalchemy_url": f"sqlite:///{file}"}),
        "async": SessionRegistry({"sqlalchemy_url": f"sqlite+aiosqlite:///{file}"}),
    }
    for registry in by_kind.values():
        await registry.startup()
    with by_kind["sync"].open_session() as session:
        Model.metadata.create_all(session.connection())
        session.add_all([Note() for _ in range(20)])

    print(f"an endpoint that touches no database, {rounds} rounds of {CALLS} requests")
    print(f"{'endpoint':10}{'plain, us':>12}{'with / without':>16}{'quartiles':>18}")
    for kind, endpoint in (("sync", endpoint_sync), ("async", endpoint_async)):
        ratios, plain = await compare(
            application(endpoint, None), application(endpoint, by_kind[kind]), rounds
        )
        low, median, high = statistics.quantiles(ratios, n=4)
        print(f"{kind:10}{plain * 1e6:12.1f}{median:16.3f}{low:10.3f} - {high:.3f}")

    print("\nthread hops of one request")
    print(f"{'endpoint':10}{'no session':>12}{'unused':>10}{'offset page':>14}")
    for kind, endpoints in (
        ("sync", (endpoint_sync, unused_sync, page_sync)),
        ("async", (endpoint_async, unused_async, page_async)),
    ):
        registry = by_kind[kind]
        models: tuple[Any, Any, Any] = (None, None, Page[NoteModel])
        none, unused, page = [
            await hops_of(application(endpoint, registry, response_model=model))
            for endpoint, model in zip(endpoints, models, strict=True)
        ]
        print(f"{kind:10}{none:12}{unused:10}{page:14}")

    for registry in by_kind.values():
        await registry.shutdown()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100, made))
