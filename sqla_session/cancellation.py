"""Lets work that must not be left half done go on when its request is cancelled."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

from anyio import CancelScope


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await work that is not cancelled when its caller is, however often that happens.

    A shield of anyio holds against its own scopes, not against `asyncio.Task.cancel`. A driver that
    is interrupted while it commits closes its connection, and the database commits or not, later.
    """
    loop = asyncio.get_running_loop()
    task, cancelled = loop.create_task(work), False
    with CancelScope(shield=True):
        while not task.done():
            ended = loop.create_future()
            # By hand: asyncio.wait costs more, and this is on every request that commits.
            task.add_done_callback(partial(_settle, ended))
            try:
                await ended
            except asyncio.CancelledError:
                cancelled = True
    if cancelled:
        raise asyncio.CancelledError from task.exception()
    task.result()


def _settle(ended: asyncio.Future[None], _: asyncio.Task[None]) -> None:
    if not ended.done():
        ended.set_result(None)
