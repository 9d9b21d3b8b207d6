"""Runs the steps of a page on a session or connection: one driver for sync, one for asyncio."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Dialect
from sqlalchemy.orm import Session, scoped_session

from ._sqla import bind_of, has_listeners
from .counts import count_statement
from .plan import Pageable, Step, Steps, from_statement_of, selectable_of, statement_of
from .rewrites import CountRewrite

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_scoped_session

T = TypeVar("T")

AnySession: TypeAlias = "Session | scoped_session[Any] | Connection"
AnyAsyncSession: TypeAlias = "AsyncSession | async_scoped_session[Any] | AsyncConnection"


def run(session: AnySession, steps: Steps[T], values: Mapping[str, Any] | None = None) -> T:
    """Execute what the steps yield, and return what they return.

    `values` are of parameters that all of their statements have in common.
    """
    try:
        step = next(steps)
        while True:
            result: Any = None
            failure: Exception | None = None
            try:
                parameters = {**values, **step.parameters} if values else step.parameters
                result = session.execute(step.statement, parameters or None)
            except Exception as error:
                failure = error
            # Out here, a failure is not the context of what the steps make of it.
            step = steps.send(result) if failure is None else steps.throw(failure)
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


def dialect_of(session: AnySession, pageable: Pageable) -> Dialect:
    """Return the dialect that the session would run the statement in."""
    outer = from_statement_of(pageable)
    statement = selectable_of(pageable) if outer is None else outer
    return bind_of(session() if isinstance(session, scoped_session) else session, statement).dialect


def reads_values(session: AnySession) -> bool:
    """Tell whether a session, or an event of it, may look into a statement for values.

    A `ShardedSession` does, to find where it is run; so may any that has a `get_bind` of its own.
    """
    target = session() if isinstance(session, scoped_session) else session
    return isinstance(target, Session) and (
        getattr(target.get_bind, "__func__", None) is not Session.get_bind or has_listeners(target)
    )


def count(
    session: AnySession, statement: Pageable, *, without: Collection[CountRewrite] = ()
) -> int:
    """Return the number of rows of a statement, by `count_statement`.

    Arguments and errors are those of `count_statement`; a legacy Query is counted too.

    Example:
        >>> from sqlalchemy import create_engine, literal, select, union
        >>> from sqla_pages import count
        >>> engine = create_engine("sqlite://")
        >>> with engine.connect() as connection:
        ...     count(connection, union(select(literal(1)), select(literal(2))))
        2
        >>> engine.dispose()
    """
    return run(session, _count_steps(statement, without))


async def async_count(
    session: AnyAsyncSession, statement: Pageable, *, without: Collection[CountRewrite] = ()
) -> int:
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
    return await async_run(session, _count_steps(statement, without))


def _count_steps(pageable: Pageable, without: Collection[CountRewrite]) -> Steps[int]:
    result = yield Step(count_statement(statement_of(pageable), without=without))
    return result.scalar_one()  # type: ignore[no-any-return]
