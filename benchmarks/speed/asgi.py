"""Requests to an application in this process, without a network or a client library."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

from anyio import to_thread


def scope_of(**query: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": [],
        "query_string": urlencode(query).encode(),
    }


async def receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def requests_to(app: Any) -> Callable[[dict[str, Any]], Any]:
    """Return what makes the request of a scope, and returns its body.

    Raises:
        AssertionError: its status is not 200.
    """

    async def call(scope: dict[str, Any]) -> bytes:
        body = bytearray()

        async def send(message: Any) -> None:
            assert message.get("status", 200) == 200, message
            body.extend(message.get("body", b""))

        await app(dict(scope), receive, send)
        return bytes(body)

    return call


async def ids_in(app: Any, scope: dict[str, Any]) -> tuple[int, ...]:
    """Return the ids of the items in a response."""
    answer = json.loads(await requests_to(app)(scope))
    return tuple(item["id"] for item in answer.get("data", answer.get("items")))


async def hops_of(app: Any, scope: dict[str, Any]) -> int:
    """Return the thread hops of a request, after a first one.

    Those of asyncio's own executor count as well: fastapi-sqla takes them.
    """
    seen: list[object] = []
    run_sync = to_thread.run_sync
    loop = asyncio.get_running_loop()
    run_in_executor = loop.run_in_executor

    def count(work: Any, *arguments: Any, **options: Any) -> Any:
        seen.append(work)
        return run_sync(work, *arguments, **options)

    def count_executor(executor: Any, work: Any, *arguments: Any) -> Any:
        seen.append(work)
        return run_in_executor(executor, work, *arguments)

    call = requests_to(app)
    await call(scope)
    with (
        patch.object(to_thread, "run_sync", count),
        patch.object(loop, "run_in_executor", count_executor),
    ):
        await call(scope)
    return len(seen)
