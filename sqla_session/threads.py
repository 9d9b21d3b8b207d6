"""Keeps the threads of sync sessions from waiting for each other.

FastAPI runs every `def` in one of 40 threads: dependencies, endpoints and, where there is a
response model, the validation of what was returned. A request holds its database connection from
one of these to the next. If all threads wait for connections, those that hold them wait for a
thread, until the pool's timeout fails them all. Two rules prevent it:

- no more requests have a sync session than there are threads, so the last one finds a thread;
- sessions end in a thread that is not counted among them.
"""

from collections.abc import Callable
from typing import Any, Final

from anyio import CapacityLimiter, WouldBlock, move_on_after, to_thread
from anyio.lowlevel import RunVar

_GATE: Final = RunVar[CapacityLimiter]("sqla_session_gate")  # one for each event loop
_PATIENCE: Final = 10.0
"""Seconds at the gate; then go on without, so that a request within a request cannot hang."""


async def enter_gate(request: object) -> CapacityLimiter | None:
    """Wait until this request may have a sync session.

    Returns:
        The gate, whose `release_on_behalf_of(request)` lets the next one in; None if the wait was
        too long.
    """
    threads = to_thread.current_default_thread_limiter().total_tokens
    try:
        gate = _GATE.get()
    except LookupError:
        gate = CapacityLimiter(threads)
        _GATE.set(gate)
    if gate.total_tokens != threads:
        gate.total_tokens = threads
    try:
        gate.acquire_on_behalf_of_nowait(request)
        return gate
    except WouldBlock:
        with move_on_after(_PATIENCE):
            await gate.acquire_on_behalf_of(request)
            return gate
        return None


async def to_own_thread(work: Callable[..., None], *arguments: Any) -> None:
    """Run `work` in a thread, at once."""
    await to_thread.run_sync(work, *arguments, limiter=CapacityLimiter(1))
