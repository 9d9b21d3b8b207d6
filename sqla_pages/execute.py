"""Runs the steps of a page on a session or connection: one driver for sync, one for asyncio."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, TypeVarTuple, overload

from sqlalchemy import Connection, Executable, Result, RowMapping, Select
from sqlalchemy.orm import Query, Session, scoped_session

from .count import count_statement
from .models import Page
from .plan import OffsetRequest, Pageable, offset_plan, offset_steps, statement_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_scoped_session

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

AnySession: TypeAlias = "Session | scoped_session[Any] | Connection"
AnyAsyncSession: TypeAlias = "AsyncSession | async_scoped_session[Any] | AsyncConnection"
Steps: TypeAlias = Generator[Executable, Result[Any], T]


def run(session: AnySession, steps: Steps[T]) -> T:
    """Execute what the steps yield, and return what they return."""
    try:
        statement = next(steps)
        while True:
            statement = steps.send(session.execute(statement))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


async def async_run(session: AnyAsyncSession, steps: Steps[T]) -> T:
    """Do as `run` does, in the greenlet where asyncio sessions and connections do their work."""
    from sqlalchemy.ext.asyncio import async_scoped_session  # needs greenlet, as the session does

    target = session() if isinstance(session, async_scoped_session) else session
    return await target.run_sync(run, steps)


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
    # A legacy Query of several columns gives whole rows, as its own all() does.
    whole_rows = isinstance(pageable, Query) and len(pageable.column_descriptions) > 1
    plan = offset_plan(statement_of(pageable), request)
    return offset_steps(plan, scalars=scalars and not whole_rows, total=total)


def _count_steps(pageable: Pageable) -> Steps[int]:
    result = yield count_statement(statement_of(pageable))
    return result.scalar_one()  # type: ignore[no-any-return]
