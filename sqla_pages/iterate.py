"""Walks over all rows of a statement, page by page, holding one page in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
)
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, TypeVarTuple, overload

from sqlalchemy import Connection, RowMapping, Select
from sqlalchemy.orm import Session, scoped_session

from .cursor import UNSIGNED, Cursor, CursorCodec
from .cursor_plan import CursorPlan, cursor_steps
from .execute import AnyAsyncSession, AnySession, async_call, dialect_of, reads_values, run
from .models import CursorPage
from .plan import Pageable, check_limit, statement_of, whole_rows
from .plans import CURSOR_PLANS, Planned

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Opener: TypeAlias = Callable[[], AbstractContextManager[Session | Connection]]
AsyncOpener: TypeAlias = "Callable[[], AbstractAsyncContextManager[AsyncSession | AsyncConnection]]"
Walkable: TypeAlias = "AnySession | Opener"
AsyncWalkable: TypeAlias = "AnyAsyncSession | AsyncOpener"


class _Walk:
    """Where a walk is: its plan, once it has one, and the cursor of its next page."""

    def __init__(
        self,
        pageable: Pageable,
        batch_size: int,
        cursor: str | None,
        scalars: bool,
        codec: CursorCodec,
    ) -> None:
        check_limit(batch_size, "batch_size")
        self._pageable = pageable
        statement_of(pageable)  # refused here, not on the first page
        self._scalars = scalars and not whole_rows(pageable)
        self._batch_size = batch_size
        self._codec = codec
        self._planned: Planned[CursorPlan] | None = None
        self._cursor: Cursor | None = None if cursor is None else codec.decode(cursor)
        self.is_over = False

    @property
    def is_backward(self) -> bool:
        return self._cursor is not None and self._cursor.direction == "before"

    def next_page(self, session: AnySession, *, probe: bool, detach: bool) -> CursorPage[Any]:
        """Return the next page, its entities out of the session if asked for."""
        if self._planned is None:
            self._planned = CURSOR_PLANS.of(
                self._pageable,
                dialect_of(session, self._pageable),
                keeps_values=reads_values(session),
            )
        steps = cursor_steps(
            self._planned.plan,
            self._cursor,
            self._batch_size,
            self._codec,
            scalars=self._scalars,
            probe=probe,
        )
        page = run(session, steps, self._planned.values)
        if detach and isinstance(session, Session):
            session.expunge_all()
        meta = page.meta
        following = meta.previous_cursor if self.is_backward else meta.next_cursor
        # A page past an end has a cursor back to it, which is not the way.
        self.is_over = following is None or not page.data
        if following is not None and page.data:
            self._cursor = self._codec.decode(following)
        return page


@overload
def iter_pages(
    session: Walkable,
    statement: Select[tuple[T]],
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
) -> Iterator[CursorPage[T]]: ...
@overload
def iter_pages(
    session: Walkable,
    statement: Select[T],
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
) -> Iterator[CursorPage[T]]: ...
@overload
def iter_pages(
    session: Walkable,
    statement: Select[*Ts],
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: Literal[False],
    codec: CursorCodec = UNSIGNED,
) -> Iterator[CursorPage[RowMapping]]: ...
@overload
def iter_pages(
    session: Walkable,
    statement: Pageable,
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
) -> Iterator[CursorPage[Any]]: ...
def iter_pages(
    session: Walkable,
    statement: Pageable,
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
) -> Iterator[CursorPage[Any]]:
    """Return an iterator over all pages of a statement, each read when it is asked for.

    A walk can be taken up again: start another one with the `next_cursor` of the last page that was
    dealt with. Given a `previous_cursor`, it goes backward, page by page.

    What it costs: one statement for each page.

    Args:
        session: a session, scoped session or connection; or a function that opens one, such as a
            sessionmaker, `engine.connect` or `open_session`: it is called for each page, so that no
            connection is held between pages, and entities come detached.
        statement: a select(), a union of them, or a legacy Query.
        batch_size: rows of a full page, 1 or more.
        cursor: where to begin; None for the start.
        scalars: the first element of each row if true, mappings of the whole rows if not.
        codec: makes strings of cursors and back.

    Raises:
        InvalidCursorError: the cursor was not given out for this ordering.
        PageRequestError: batch_size out of bounds.
        StatementNotPageableError: no pages of the statement could be right; says what to change.

    Example:
        >>> from sqlalchemy import create_engine, literal, select, union
        >>> from sqla_pages import iter_pages
        >>> numbers = union(*(select(literal(number)) for number in range(5)))
        >>> engine = create_engine("sqlite://")
        >>> [page.data for page in iter_pages(engine.connect, numbers, batch_size=2)]
        [[0, 1], [2, 3], [4]]
        >>> engine.dispose()
    """
    walk = _Walk(statement, batch_size, cursor, scalars, codec)
    return _pages(session, walk, probe=True)


@overload
def iter_rows(
    session: Walkable,
    statement: Select[tuple[T]],
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
) -> Iterator[T]: ...
@overload
def iter_rows(
    session: Walkable,
    statement: Select[T],
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
) -> Iterator[T]: ...
@overload
def iter_rows(
    session: Walkable,
    statement: Select[*Ts],
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: Literal[False],
    codec: CursorCodec = UNSIGNED,
) -> Iterator[RowMapping]: ...
@overload
def iter_rows(
    session: Walkable,
    statement: Pageable,
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
) -> Iterator[Any]: ...
def iter_rows(
    session: Walkable,
    statement: Pageable,
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
) -> Iterator[Any]:
    """Return an iterator over all rows of a statement, read `batch_size` at a time.

    As `iter_pages`, row by row: from a `previous_cursor` on, rows come in the opposite order.

    Example:
        >>> from sqlalchemy import create_engine, literal, select, union
        >>> from sqla_pages import iter_rows
        >>> numbers = union(*(select(literal(number)) for number in range(5)))
        >>> engine = create_engine("sqlite://")
        >>> list(iter_rows(engine.connect, numbers, batch_size=2))
        [0, 1, 2, 3, 4]
        >>> engine.dispose()
    """
    walk = _Walk(statement, batch_size, cursor, scalars, codec)
    return _rows(session, walk, is_backward=walk.is_backward)


@overload
def async_iter_pages(
    session: AsyncWalkable,
    statement: Select[tuple[T]],
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
) -> AsyncIterator[CursorPage[T]]: ...
@overload
def async_iter_pages(
    session: AsyncWalkable,
    statement: Select[T],
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
) -> AsyncIterator[CursorPage[T]]: ...
@overload
def async_iter_pages(
    session: AsyncWalkable,
    statement: Select[*Ts],
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: Literal[False],
    codec: CursorCodec = UNSIGNED,
) -> AsyncIterator[CursorPage[RowMapping]]: ...
@overload
def async_iter_pages(
    session: AsyncWalkable,
    statement: Pageable,
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
) -> AsyncIterator[CursorPage[Any]]: ...
def async_iter_pages(
    session: AsyncWalkable,
    statement: Pageable,
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
) -> AsyncIterator[CursorPage[Any]]:
    """Return an iterator as `iter_pages` does, over the pages of an asyncio session or connection.

    Example:
        >>> import asyncio
        >>> from sqlalchemy import literal, select, union
        >>> from sqlalchemy.ext.asyncio import create_async_engine
        >>> from sqla_pages import async_iter_pages
        >>> numbers = union(*(select(literal(number)) for number in range(5)))
        >>> async def pages() -> list[list[int]]:
        ...     engine = create_async_engine("sqlite+aiosqlite://")
        ...     walk = async_iter_pages(engine.connect, numbers, batch_size=2)
        ...     found = [page.data async for page in walk]
        ...     await engine.dispose()
        ...     return found
        >>> asyncio.run(pages())
        [[0, 1], [2, 3], [4]]
    """
    walk = _Walk(statement, batch_size, cursor, scalars, codec)
    return _async_pages(session, walk, probe=True)


@overload
def async_iter_rows(
    session: AsyncWalkable,
    statement: Select[tuple[T]],
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
) -> AsyncIterator[T]: ...
@overload
def async_iter_rows(
    session: AsyncWalkable,
    statement: Select[T],
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
) -> AsyncIterator[T]: ...
@overload
def async_iter_rows(
    session: AsyncWalkable,
    statement: Select[*Ts],
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: Literal[False],
    codec: CursorCodec = UNSIGNED,
) -> AsyncIterator[RowMapping]: ...
@overload
def async_iter_rows(
    session: AsyncWalkable,
    statement: Pageable,
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
) -> AsyncIterator[Any]: ...
def async_iter_rows(
    session: AsyncWalkable,
    statement: Pageable,
    *,
    batch_size: int = 1000,
    cursor: str | None = None,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
) -> AsyncIterator[Any]:
    """Return an iterator as `iter_rows` does, over the rows of an asyncio session or connection.

    Example:
        >>> import asyncio
        >>> from sqlalchemy import literal, select, union
        >>> from sqlalchemy.ext.asyncio import create_async_engine
        >>> from sqla_pages import async_iter_rows
        >>> numbers = union(*(select(literal(number)) for number in range(5)))
        >>> async def rows() -> list[int]:
        ...     engine = create_async_engine("sqlite+aiosqlite://")
        ...     walk = async_iter_rows(engine.connect, numbers, batch_size=2)
        ...     found = [row async for row in walk]
        ...     await engine.dispose()
        ...     return found
        >>> asyncio.run(rows())
        [0, 1, 2, 3, 4]
    """
    walk = _Walk(statement, batch_size, cursor, scalars, codec)
    return _async_rows(session, walk, is_backward=walk.is_backward)


def _pages(session: Any, walk: _Walk, *, probe: bool) -> Iterator[CursorPage[Any]]:
    is_opened = _is_opener(session)
    while not walk.is_over:
        with ExitStack() as stack:
            target = stack.enter_context(session()) if is_opened else session
            page = walk.next_page(target, probe=probe, detach=is_opened)
        yield page
        del page


def _rows(session: Any, walk: _Walk, *, is_backward: bool) -> Iterator[Any]:
    for page in _pages(session, walk, probe=False):
        items = page.data
        del page
        yield from reversed(items) if is_backward else items
        del items


async def _async_pages(session: Any, walk: _Walk, *, probe: bool) -> AsyncIterator[CursorPage[Any]]:
    is_opened = _is_async_opener(session)
    while not walk.is_over:
        async with AsyncExitStack() as stack:
            target = await stack.enter_async_context(session()) if is_opened else session
            page = await async_call(target, walk.next_page, probe=probe, detach=is_opened)
        yield page
        del page


async def _async_rows(session: Any, walk: _Walk, *, is_backward: bool) -> AsyncIterator[Any]:
    async for page in _async_pages(session, walk, probe=False):
        items = page.data
        del page
        for item in reversed(items) if is_backward else items:
            yield item
        del items


def _is_opener(session: Any) -> bool:
    return callable(session) and not isinstance(session, scoped_session)


def _is_async_opener(session: Any) -> bool:
    from sqlalchemy.ext.asyncio import async_scoped_session  # needs greenlet, as the session does

    return callable(session) and not isinstance(session, async_scoped_session)
