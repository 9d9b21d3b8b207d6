"""What is held: by a walk over a large table, and by an application that serves many requests."""

import asyncio
import gc
import resource
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Select, create_engine, make_url, select
from sqlalchemy.orm import Session

from sqla_pages import CursorPage, CursorPaginate, Page, Paginate, iter_rows
from sqla_session import SessionRegistry, setup_middlewares

from .asgi import requests_to, scope_of
from .endpoints import ItemModel, application
from .table import ORDERED, Item, fill

ROWS = 1_000_000
BATCH = 1_000
REQUESTS = 100_000


def measure_memory() -> dict[str, float]:
    """Return megabytes, and numbers of things that are held."""
    return {**walks(), **asyncio.run(serve(REQUESTS))}


def walks(*rows: int) -> dict[str, float]:
    """Walk over few and over many rows, and compare the most that was held with one batch."""
    few, many = rows or (10 * BATCH, ROWS)
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/walk.sqlite")
        with engine.begin() as connection:
            fill(connection, many)
        with Session(engine) as session:
            found = {
                "walk: a batch at most, MB": peak_of(session.scalars(ORDERED.limit(BATCH)).all)
            }
        for rows_ in (few, many):
            with Session(engine) as session:
                found[f"walk: {rows_:,} rows at most, MB"] = peak_of(partial(walk, session, rows_))
        engine.dispose()
    return found


def walk(session: Session, rows: int) -> None:
    seen = sum(1 for _ in islice(iter_rows(session, ORDERED, batch_size=BATCH), rows))
    assert seen == rows


def peak_of(call: Callable[[], object]) -> float:
    """Return the megabytes that a call holds at most."""
    gc.collect()
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def statement_of(kind: int) -> Select[Any]:
    """Return a statement made per request, with a value that changes."""
    return select(Item).where(Item.kind != kind).order_by(Item.created_at, Item.id)


async def serve(requests: int) -> dict[str, float]:
    """Serve requests, by cursor and by offset in turn; return what is held early and late."""
    with tempfile.TemporaryDirectory() as folder:
        url = make_url(f"sqlite:///{folder}/serve.sqlite")
        engine = create_engine(url)
        with engine.begin() as connection:
            fill(connection, 1_000)
        engine.dispose()
        registry = SessionRegistry({"sqlalchemy_url": url})
        await registry.startup()
        found = await grown(applications(registry), requests)
        await registry.shutdown()
    return found


def applications(registry: SessionRegistry) -> list[FastAPI]:
    # Async endpoints with a sync session: no thread, whose own memory would come in.
    async def by_cursor(paginate: CursorPaginate, kind: int) -> Any:
        return paginate(statement_of(kind))

    async def by_offset(paginate: Paginate, kind: int) -> Any:
        return paginate(statement_of(kind))

    made = [
        application(by_cursor, response_model=CursorPage[ItemModel]),
        application(by_offset, response_model=Page[ItemModel]),
    ]
    for app in made:
        setup_middlewares(app, registry)
    return made


async def grown(apps: list[FastAPI], requests: int) -> dict[str, float]:
    """Return what Python and the system have given out after a tenth of the requests, and all."""
    calls = [requests_to(app) for app in apps]
    found = {"requests": float(requests)}
    for number in range(requests):
        await calls[number % 2](scope_of(kind=number, limit=1 + number % 7))
        if number + 1 in (requests // 10, requests):
            gc.collect()
            after = f"requests: after {number + 1:,}"
            found[f"{after}, blocks of memory"] = float(sys.getallocatedblocks())
            found[f"{after}, resident MB"] = resident_bytes() / 1e6
    return found


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
