"""Walks over all pages of a statement, which end even where the pages are wrong."""

from collections.abc import Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from .rows import Key, keys_of

S = TypeVar("S")
R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Walk:
    """The pages of one way through the rows, from the first to the last, whichever way it went.

    `faults` are what their meta says wrongly. Ways of one `kind` have one order.
    """

    way: str
    pages: tuple[tuple[Key, ...], ...]
    faults: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Read:
    """A page as it was read: its rows, and the links beside it."""

    rows: tuple[Key, ...]
    next_cursor: str | None
    previous_cursor: str | None

    @classmethod
    def of(cls, data: Any, meta: Any) -> "Read":
        """Return what was read, of a model or of JSON."""
        return cls(tuple(keys_of(data)), meta["next_cursor"], meta["previous_cursor"])


def cursor_walks(limit: int, most: int) -> Generator[str | None, Read, tuple[Walk, Walk]]:
    """Yield cursors, None for the first page; receive their pages of `limit` rows each.

    Return the walk forward and the walk backward. One of more than `most` pages is given up.
    """
    forward = yield from _linked((yield None), lambda page: page.next_cursor, most)
    backward = yield from _linked(forward[-1], lambda page: page.previous_cursor, most)
    backward.reverse()
    return (
        Walk(
            "cursor pages, read forward,",
            tuple(page.rows for page in forward),
            tuple(_faults_of(forward, limit, most)),
            "cursor",
        ),
        Walk(
            "cursor pages, read backward,",
            tuple(page.rows for page in backward),
            tuple(_faults_of(backward, limit, most, is_backward=True)),
            "cursor",
        ),
    )


def _linked(
    page: Read, link_of: Callable[[Read], str | None], most: int
) -> Generator[str, Read, list[Read]]:
    pages = [page]
    while (link := link_of(pages[-1])) is not None and len(pages) <= most:
        pages.append((yield link))
    return pages


def _faults_of(
    pages: list[Read], limit: int, most: int, *, is_backward: bool = False
) -> Iterator[str]:
    """Yield what is wrong with the links and sizes of pages, given from the first to the last."""
    if len(pages) > most:
        yield f"there is no end after {most} pages"
        return
    last = len(pages) - 1
    for place, page in enumerate(pages):
        number = f"page {place + 1} of {len(pages)}"
        if (page.previous_cursor is None) != (place == 0):
            yield f"{number} has {_given(page.previous_cursor)} previous_cursor"
        if (page.next_cursor is None) != (place == last):
            yield f"{number} has {_given(page.next_cursor)} next_cursor"
        is_short_of_right = place in ((0, last) if is_backward else (last,))
        if len(page.rows) > limit or (len(page.rows) < limit and not is_short_of_right):
            yield f"{number} has {len(page.rows)} rows"


def _given(cursor: str | None) -> str:
    return "no" if cursor is None else "a"


def answered(steps: Generator[S, R, T], answer: Callable[[S], R]) -> T:
    """Answer what the steps yield, and return what they return."""
    try:
        asked = next(steps)
        while True:
            asked = steps.send(answer(asked))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


async def async_answered(steps: Generator[S, R, T], answer: Callable[[S], Awaitable[R]]) -> T:
    """Do as `answered` does, with answers to be awaited."""
    try:
        asked = next(steps)
        while True:
            asked = steps.send(await answer(asked))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
