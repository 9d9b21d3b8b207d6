"""Lets work that must not be left half done go on when its request is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from anyio import CancelScope


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await work that is not cancelled when its caller is, however often that happens.

    A shield of anyio holds against its own scopes, not against `asyncio.Task.cancel`.
    """
    task, cancelled = asyncio.ensure_future(work), False
    with CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError
