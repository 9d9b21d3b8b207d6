"""Offset pages from any session or connection."""

from __future__ import annotations

from typing import Any, Literal, TypeVar, TypeVarTuple, overload

from sqlalchemy import RowMapping, Select

from .deep import DeepOffset
from .execute import AnyAsyncSession, AnySession, async_call, dialect_of, reads_values, run
from .models import M, OffsetPage, Page
from .offset_plan import AUTO, OffsetRequest, plan_of
from .offset_steps import offset_steps
from .plan import Pageable, whole_rows
from .plans import OFFSET_FRAMES
from .totals import EXACT, CountPolicy, ExactCount

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# A select() of one entity is a Select[tuple[User]] on SQLAlchemy 2.0 and a Select[User] on 2.1;
# one of several is a Select[tuple[int, str]] and a Select[int, str].


@overload
def offset_page(
    session: AnySession,
    statement: Select[tuple[T]],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[True] = True,
    count: ExactCount = EXACT,
    deep: DeepOffset = AUTO,
) -> Page[T]: ...
@overload
def offset_page(
    session: AnySession,
    statement: Select[T],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[True] = True,
    count: ExactCount = EXACT,
    deep: DeepOffset = AUTO,
) -> Page[T]: ...
@overload
def offset_page(
    session: AnySession,
    statement: Select[*Ts],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[False],
    count: ExactCount = EXACT,
    deep: DeepOffset = AUTO,
) -> Page[RowMapping]: ...
@overload
def offset_page(
    session: AnySession,
    statement: Pageable,
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: bool = True,
    count: ExactCount = EXACT,
    deep: DeepOffset = AUTO,
) -> Page[Any]: ...
@overload
def offset_page(
    session: AnySession,
    statement: Select[tuple[T]],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[True] = True,
    count: CountPolicy[M],
    deep: DeepOffset = AUTO,
) -> OffsetPage[T, M]: ...
@overload
def offset_page(
    session: AnySession,
    statement: Select[T],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[True] = True,
    count: CountPolicy[M],
    deep: DeepOffset = AUTO,
) -> OffsetPage[T, M]: ...
@overload
def offset_page(
    session: AnySession,
    statement: Select[*Ts],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[False],
    count: CountPolicy[M],
    deep: DeepOffset = AUTO,
) -> OffsetPage[RowMapping, M]: ...
@overload
def offset_page(
    session: AnySession,
    statement: Pageable,
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: bool = True,
    count: CountPolicy[M],
    deep: DeepOffset = AUTO,
) -> OffsetPage[Any, M]: ...
def offset_page(
    session: AnySession,
    statement: Pageable,
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: bool = True,
    count: CountPolicy[Any] = EXACT,
    deep: DeepOffset = AUTO,
) -> OffsetPage[Any, Any]:
    """Return the page of `limit` rows that follow the first `offset` rows of a statement.

    Keys are added to the ORDER BY until it is the same on every page. The statement's own LIMIT
    and OFFSET hold: `select(User).limit(13)` has 13 items. One statement, and a second one to
    count unless the page proves the total. From an offset of 1,000 on the rows are found by their
    keys; from 10,000 on they are counted first, and found from the end where that is nearer.

    Args:
        session: a session, scoped session or, for a statement without entities, a connection.
        statement: a select(), a union of them, or a legacy Query.
        offset: rows before the page, 0 or more.
        limit: rows of a full page, 1 or more.
        scalars: the first element of each row if true, mappings of the whole rows if not.
        count: how much is counted: `ExactCount`, `NoCount`, `CappedCount` or `EstimatedCount`. All
            but the first return pages with another meta.
        deep: what is done about deep offsets; by default, what pays and is proved right.

    Raises:
        PageRequestError: offset or limit out of bounds.
        StatementNotPageableError: no pages of the statement could be right; says what to change.

    Example:
        >>> from sqlalchemy import create_engine, literal, select, union
        >>> from sqla_pages import offset_page
        >>> numbers = union(*(select(literal(number)) for number in (3, 1, 2)))
        >>> engine = create_engine("sqlite://")
        >>> with engine.connect() as connection:
        ...     page = offset_page(connection, numbers, offset=1, limit=2)
        >>> engine.dispose()
        >>> page.data
        [2, 3]
        >>> page.meta
        PageMeta(offset=1, total_items=3, total_pages=2, page_number=1)
    """
    return offset_page_on(session, statement, OffsetRequest(offset, limit), scalars, count, deep)


@overload
async def async_offset_page(
    session: AnyAsyncSession,
    statement: Select[tuple[T]],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[True] = True,
    count: ExactCount = EXACT,
    deep: DeepOffset = AUTO,
) -> Page[T]: ...
@overload
async def async_offset_page(
    session: AnyAsyncSession,
    statement: Select[T],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[True] = True,
    count: ExactCount = EXACT,
    deep: DeepOffset = AUTO,
) -> Page[T]: ...
@overload
async def async_offset_page(
    session: AnyAsyncSession,
    statement: Select[*Ts],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[False],
    count: ExactCount = EXACT,
    deep: DeepOffset = AUTO,
) -> Page[RowMapping]: ...
@overload
async def async_offset_page(
    session: AnyAsyncSession,
    statement: Pageable,
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: bool = True,
    count: ExactCount = EXACT,
    deep: DeepOffset = AUTO,
) -> Page[Any]: ...
@overload
async def async_offset_page(
    session: AnyAsyncSession,
    statement: Select[tuple[T]],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[True] = True,
    count: CountPolicy[M],
    deep: DeepOffset = AUTO,
) -> OffsetPage[T, M]: ...
@overload
async def async_offset_page(
    session: AnyAsyncSession,
    statement: Select[T],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[True] = True,
    count: CountPolicy[M],
    deep: DeepOffset = AUTO,
) -> OffsetPage[T, M]: ...
@overload
async def async_offset_page(
    session: AnyAsyncSession,
    statement: Select[*Ts],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[False],
    count: CountPolicy[M],
    deep: DeepOffset = AUTO,
) -> OffsetPage[RowMapping, M]: ...
@overload
async def async_offset_page(
    session: AnyAsyncSession,
    statement: Pageable,
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: bool = True,
    count: CountPolicy[M],
    deep: DeepOffset = AUTO,
) -> OffsetPage[Any, M]: ...
async def async_offset_page(
    session: AnyAsyncSession,
    statement: Pageable,
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: bool = True,
    count: CountPolicy[Any] = EXACT,
    deep: DeepOffset = AUTO,
) -> OffsetPage[Any, Any]:
    """Return a page as `offset_page` does, from an asyncio session or connection.

    Example:
        >>> import asyncio
        >>> from sqlalchemy import literal, select
        >>> from sqlalchemy.ext.asyncio import create_async_engine
        >>> from sqla_pages import async_offset_page
        >>> async def first_page() -> list[int]:
        ...     engine = create_async_engine("sqlite+aiosqlite://")
        ...     async with engine.connect() as connection:
        ...         page = await async_offset_page(connection, select(literal(1)))
        ...     await engine.dispose()
        ...     return page.data
        >>> asyncio.run(first_page())
        [1]
    """
    request = OffsetRequest(offset, limit)
    return await async_call(session, offset_page_on, statement, request, scalars, count, deep)


def offset_page_on(
    session: AnySession,
    pageable: Pageable,
    request: OffsetRequest,
    scalars: bool,
    count: CountPolicy[M],
    deep: DeepOffset,
    total: int | None = None,
) -> OffsetPage[Any, M]:
    """Return an offset page of anything that can be paged, from a sync session.

    Nothing is counted where a `total` is given, unless the page shows that there are more.
    """
    dialect = dialect_of(session, pageable)
    frame, values = OFFSET_FRAMES.of(pageable, dialect, keeps_values=reads_values(session))
    plan = plan_of(frame, request, dialect, count, deep)
    scalars = scalars and not whole_rows(pageable)
    return run(session, offset_steps(plan, scalars=scalars, total=total), values)
