"""Cursor pages from any session or connection."""

from __future__ import annotations

from typing import Any, Literal, TypeVar, TypeVarTuple, overload

from sqlalchemy import Dialect, RowMapping, Select

from ._sqla import Statement
from .counts import plan_count
from .cursor import UNSIGNED, CursorCodec
from .cursor_plan import cursor_steps
from .execute import AnyAsyncSession, AnySession, async_call, dialect_of, reads_values, run
from .models import CountedCursorPage, CountedCursorPageMeta, CursorPage
from .plan import Pageable, Steps, check_limit, statement_of, whole_rows
from .plans import CURSOR_PLANS
from .totals import CountPolicy, Total

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@overload
def cursor_page(
    session: AnySession,
    statement: Select[tuple[T]],
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
    count: None = None,
) -> CursorPage[T]: ...
@overload
def cursor_page(
    session: AnySession,
    statement: Select[T],
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
    count: None = None,
) -> CursorPage[T]: ...
@overload
def cursor_page(
    session: AnySession,
    statement: Select[*Ts],
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: Literal[False],
    codec: CursorCodec = UNSIGNED,
    count: None = None,
) -> CursorPage[RowMapping]: ...
@overload
def cursor_page(
    session: AnySession,
    statement: Pageable,
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
    count: None = None,
) -> CursorPage[Any]: ...
@overload
def cursor_page(
    session: AnySession,
    statement: Select[tuple[T]],
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
    count: CountPolicy[Any],
) -> CountedCursorPage[T]: ...
@overload
def cursor_page(
    session: AnySession,
    statement: Select[T],
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
    count: CountPolicy[Any],
) -> CountedCursorPage[T]: ...
@overload
def cursor_page(
    session: AnySession,
    statement: Select[*Ts],
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: Literal[False],
    codec: CursorCodec = UNSIGNED,
    count: CountPolicy[Any],
) -> CountedCursorPage[RowMapping]: ...
@overload
def cursor_page(
    session: AnySession,
    statement: Pageable,
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
    count: CountPolicy[Any],
) -> CountedCursorPage[Any]: ...
def cursor_page(
    session: AnySession,
    statement: Pageable,
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
    count: CountPolicy[Any] | None = None,
) -> CursorPage[Any] | CountedCursorPage[Any]:
    """Return the page of `limit` rows that a cursor leads to, or the first one.

    Keys are added to the ORDER BY until no two rows share its values; the cursor carries those of
    the row that the page begins after, so that a page costs the same at any depth. A cursor is in
    `meta` if and only if a row exists on its side at the time of reading.

    What it costs: one statement, which also reads one row beyond the page and looks for one behind
    the cursor. One more statement where a cursor leads to no row at all, which can only be after
    rows were deleted: the page is then empty, and its cursor leads back to the end that is passed.

    Args:
        session: a session, scoped session or, for a statement without entities, a connection.
        statement: a select(), a union of them, or a legacy Query.
        cursor: as it was in `meta` of a page of the same statement; None for the first page.
        limit: rows of a full page, 1 or more; it may change from page to page.
        scalars: the first element of each row if true, mappings of the whole rows if not.
        codec: makes strings of cursors and back; sign them with `CursorCodec(secrets=...)`.
        count: how much is counted, `ExactCount`, `CappedCount` or `EstimatedCount`; the page is
            then a `CountedCursorPage`. By default, nothing is.

    Raises:
        InvalidCursorError: the cursor was not given out for this ordering.
        PageRequestError: limit out of bounds.
        StatementNotPageableError: no pages of the statement could be right; says what to change.
        DialectNotSupportedError: how the database seeks is not known.

    Example:
        >>> from sqlalchemy import create_engine, literal, select, union
        >>> from sqla_pages import cursor_page
        >>> numbers = union(*(select(literal(number)) for number in (3, 1, 2)))
        >>> engine = create_engine("sqlite://")
        >>> with engine.connect() as connection:
        ...     first = cursor_page(connection, numbers, limit=2)
        ...     last = cursor_page(connection, numbers, limit=2, cursor=first.meta.next_cursor)
        >>> engine.dispose()
        >>> first.data, last.data
        ([1, 2], [3])
        >>> first.meta.previous_cursor is None, last.meta.next_cursor is None
        (True, True)
    """
    return cursor_page_on(session, statement, cursor, limit, codec, scalars, count)


@overload
async def async_cursor_page(
    session: AnyAsyncSession,
    statement: Select[tuple[T]],
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
    count: None = None,
) -> CursorPage[T]: ...
@overload
async def async_cursor_page(
    session: AnyAsyncSession,
    statement: Select[T],
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
    count: None = None,
) -> CursorPage[T]: ...
@overload
async def async_cursor_page(
    session: AnyAsyncSession,
    statement: Select[*Ts],
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: Literal[False],
    codec: CursorCodec = UNSIGNED,
    count: None = None,
) -> CursorPage[RowMapping]: ...
@overload
async def async_cursor_page(
    session: AnyAsyncSession,
    statement: Pageable,
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
    count: None = None,
) -> CursorPage[Any]: ...
@overload
async def async_cursor_page(
    session: AnyAsyncSession,
    statement: Select[tuple[T]],
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
    count: CountPolicy[Any],
) -> CountedCursorPage[T]: ...
@overload
async def async_cursor_page(
    session: AnyAsyncSession,
    statement: Select[T],
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
    count: CountPolicy[Any],
) -> CountedCursorPage[T]: ...
@overload
async def async_cursor_page(
    session: AnyAsyncSession,
    statement: Select[*Ts],
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: Literal[False],
    codec: CursorCodec = UNSIGNED,
    count: CountPolicy[Any],
) -> CountedCursorPage[RowMapping]: ...
@overload
async def async_cursor_page(
    session: AnyAsyncSession,
    statement: Pageable,
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
    count: CountPolicy[Any],
) -> CountedCursorPage[Any]: ...
async def async_cursor_page(
    session: AnyAsyncSession,
    statement: Pageable,
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
    count: CountPolicy[Any] | None = None,
) -> CursorPage[Any] | CountedCursorPage[Any]:
    """Return a page as `cursor_page` does, from an asyncio session or connection.

    Example:
        >>> import asyncio
        >>> from sqlalchemy import literal, select
        >>> from sqlalchemy.ext.asyncio import create_async_engine
        >>> from sqla_pages import async_cursor_page
        >>> async def first_page() -> list[int]:
        ...     engine = create_async_engine("sqlite+aiosqlite://")
        ...     async with engine.connect() as connection:
        ...         page = await async_cursor_page(connection, select(literal(1)))
        ...     await engine.dispose()
        ...     return page.data
        >>> asyncio.run(first_page())
        [1]
    """
    return await async_call(
        session, cursor_page_on, statement, cursor, limit, codec, scalars, count
    )


def cursor_page_on(
    session: AnySession,
    pageable: Pageable,
    cursor: str | None,
    limit: int,
    codec: CursorCodec,
    scalars: bool,
    count: CountPolicy[Any] | None = None,
) -> CursorPage[Any] | CountedCursorPage[Any]:
    """Return a cursor page of anything that can be paged, from a sync session."""
    check_limit(limit)
    check_cursor_policy(count)
    decoded = None if cursor is None else codec.decode(cursor)
    dialect = dialect_of(session, pageable)
    plan, values = CURSOR_PLANS.of(pageable, dialect, keeps_values=reads_values(session))
    scalars = scalars and not whole_rows(pageable)
    page = run(session, cursor_steps(plan, decoded, limit, codec, scalars=scalars), values)
    if count is None:
        return page
    return run(session, _counted_steps(page, statement_of(pageable), count, dialect))


def check_cursor_policy(count: CountPolicy[Any] | None) -> None:
    """Refuse a policy that finds no total.

    Raises:
        ValueError: it is NoCount.
    """
    if count is not None and count.reads_ahead:
        raise ValueError("NoCount is for offset pages: cursor pages count nothing unless asked to")


def _counted_steps(
    page: CursorPage[Any], statement: Statement, count: CountPolicy[Any], dialect: Dialect
) -> Steps[CountedCursorPage[Any]]:
    """Yield what finds the total, unless the page has no other beside it, and return both."""
    links = (page.meta.next_cursor, page.meta.previous_cursor)
    least = len(page.data) + sum(link is not None for link in links)
    total = Total(len(page.data))
    if any(links):
        plan = plan_count(statement, without=count.without)
        total = yield from count.total_steps(plan, dialect, least)
    meta = CountedCursorPageMeta(
        **page.meta.model_dump(),
        total_items=max(total.rows, least),
        total_items_exact=total.is_exact,
    )
    return CountedCursorPage(data=page.data, meta=meta)
