"""Runs the steps of a page on a session or connection: one driver for sync, one for asyncio."""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, TypeVarTuple, overload

from sqlalchemy import Connection, Dialect, Executable, Result, RowMapping, Select
from sqlalchemy.orm import Session, scoped_session

from ._sqla import bind_of
from .count import count_statement
from .cursor import CursorCodec
from .cursor_plan import cursor_plan, cursor_steps
from .models import CursorPage, Page
from .offset_plan import OffsetRequest, offset_plan, offset_steps
from .plan import Pageable, check_limit, from_statement_of, statement_of, whole_rows

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_scoped_session

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

AnySession: TypeAlias = "Session | scoped_session[Any] | Connection"
AnyAsyncSession: TypeAlias = "AsyncSession | async_scoped_session[Any] | AsyncConnection"
Steps: TypeAlias = Generator[Executable, Result[Any], T]

UNSIGNED = CursorCodec()
"""The codec of cursors that are not signed."""


def run(session: AnySession, steps: Steps[T]) -> T:
    """Execute what the steps yield, and return what they return."""
    try:
        statement = next(steps)
        while True:
            try:
                result = session.execute(statement)
            except Exception as error:
                statement = steps.throw(error)
            else:
                statement = steps.send(result)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


async def async_call(
    session: AnyAsyncSession, function: Callable[..., T], *arguments: Any, **options: Any
) -> T:
    """Call a function with the sync session beneath, in the greenlet where its work is done."""
    from sqlalchemy.ext.asyncio import async_scoped_session  # needs greenlet, as the session does

    target = session() if isinstance(session, async_scoped_session) else session
    return await target.run_sync(function, *arguments, **options)


async def async_run(session: AnyAsyncSession, steps: Steps[T]) -> T:
    """Do as `run` does, on an asyncio session or connection."""
    return await async_call(session, run, steps)


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
) -> Page[T]: ...
@overload
def offset_page(
    session: AnySession,
    statement: Select[T],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[True] = True,
) -> Page[T]: ...
@overload
def offset_page(
    session: AnySession,
    statement: Select[*Ts],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[False],
) -> Page[RowMapping]: ...
@overload
def offset_page(
    session: AnySession,
    statement: Pageable,
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: bool = True,
) -> Page[Any]: ...
def offset_page(
    session: AnySession,
    statement: Pageable,
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: bool = True,
) -> Page[Any]:
    """Return the page of `limit` rows that follow the first `offset` rows of a statement.

    Keys are added to the ORDER BY until it is the same on every page. The statement's own LIMIT
    and OFFSET hold: `select(User).limit(13)` has 13 items. One statement, and a second one to
    count unless the page proves the total.

    Args:
        session: a session, scoped session or, for a statement without entities, a connection.
        statement: a select(), a union of them, or a legacy Query.
        offset: rows before the page, 0 or more.
        limit: rows of a full page, 1 or more.
        scalars: the first element of each row if true, mappings of the whole rows if not.

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
    return run(session, offset_steps_of(statement, OffsetRequest(offset, limit), scalars))


@overload
async def async_offset_page(
    session: AnyAsyncSession,
    statement: Select[tuple[T]],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[True] = True,
) -> Page[T]: ...
@overload
async def async_offset_page(
    session: AnyAsyncSession,
    statement: Select[T],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[True] = True,
) -> Page[T]: ...
@overload
async def async_offset_page(
    session: AnyAsyncSession,
    statement: Select[*Ts],
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: Literal[False],
) -> Page[RowMapping]: ...
@overload
async def async_offset_page(
    session: AnyAsyncSession,
    statement: Pageable,
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: bool = True,
) -> Page[Any]: ...
async def async_offset_page(
    session: AnyAsyncSession,
    statement: Pageable,
    *,
    offset: int = 0,
    limit: int = 10,
    scalars: bool = True,
) -> Page[Any]:
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
    steps = offset_steps_of(statement, OffsetRequest(offset, limit), scalars)
    return await async_run(session, steps)


@overload
def cursor_page(
    session: AnySession,
    statement: Select[tuple[T]],
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
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
) -> CursorPage[Any]: ...
def cursor_page(
    session: AnySession,
    statement: Pageable,
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
) -> CursorPage[Any]:
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
    return cursor_page_on(session, statement, cursor, limit, codec, scalars)


@overload
async def async_cursor_page(
    session: AnyAsyncSession,
    statement: Select[tuple[T]],
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: Literal[True] = True,
    codec: CursorCodec = UNSIGNED,
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
) -> CursorPage[Any]: ...
async def async_cursor_page(
    session: AnyAsyncSession,
    statement: Pageable,
    *,
    cursor: str | None = None,
    limit: int = 10,
    scalars: bool = True,
    codec: CursorCodec = UNSIGNED,
) -> CursorPage[Any]:
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
    return await async_call(session, cursor_page_on, statement, cursor, limit, codec, scalars)


def cursor_page_on(
    session: AnySession,
    pageable: Pageable,
    cursor: str | None,
    limit: int,
    codec: CursorCodec,
    scalars: bool,
) -> CursorPage[Any]:
    """Return a cursor page of anything that can be paged, from a sync session."""
    check_limit(limit)
    decoded = None if cursor is None else codec.decode(cursor)
    statement = statement_of(pageable)
    dialect = dialect_of(session, pageable)
    plan = cursor_plan(statement, dialect, from_statement_of(pageable))
    scalars = scalars and not whole_rows(pageable)
    return run(session, cursor_steps(plan, decoded, limit, codec, scalars=scalars))


def dialect_of(session: AnySession, pageable: Pageable) -> Dialect:
    """Return the dialect that the session would run the statement in."""
    outer = from_statement_of(pageable)
    statement = statement_of(pageable) if outer is None else outer
    return bind_of(session() if isinstance(session, scoped_session) else session, statement).dialect


def count(session: AnySession, statement: Pageable) -> int:
    """Return the number of rows of a statement, by `count_statement`.

    Example:
        >>> from sqlalchemy import create_engine, literal, select, union
        >>> from sqla_pages import count
        >>> engine = create_engine("sqlite://")
        >>> with engine.connect() as connection:
        ...     count(connection, union(select(literal(1)), select(literal(2))))
        2
        >>> engine.dispose()
    """
    return run(session, _count_steps(statement))


async def async_count(session: AnyAsyncSession, statement: Pageable) -> int:
    """Return the number of rows of a statement, from an asyncio session or connection.

    Example:
        >>> import asyncio
        >>> from sqlalchemy import literal, select
        >>> from sqlalchemy.ext.asyncio import create_async_engine
        >>> from sqla_pages import async_count
        >>> async def number() -> int:
        ...     engine = create_async_engine("sqlite+aiosqlite://")
        ...     async with engine.connect() as connection:
        ...         total = await async_count(connection, select(literal(1)))
        ...     await engine.dispose()
        ...     return total
        >>> asyncio.run(number())
        1
    """
    return await async_run(session, _count_steps(statement))


def offset_steps_of(
    pageable: Pageable, request: OffsetRequest, scalars: bool, total: int | None = None
) -> Steps[Page[Any]]:
    """Return the steps to the page of a statement; those of a count are left out for a `total`."""
    plan = offset_plan(statement_of(pageable), request, from_statement_of(pageable))
    return offset_steps(plan, scalars=scalars and not whole_rows(pageable), total=total)


def _count_steps(pageable: Pageable) -> Steps[int]:
    result = yield count_statement(statement_of(pageable))
    return result.scalar_one()  # type: ignore[no-any-return]
