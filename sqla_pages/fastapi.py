"""The FastAPI dependencies that page what an endpoint selects."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import (
    Annotated,
    Any,
    Literal,
    Protocol,
    TypeAlias,
    TypeVar,
    TypeVarTuple,
    overload,
)

from fastapi import Depends, HTTPException
from fastapi import Query as QueryParameter
from sqlalchemy import RowMapping, Select

from sqla_session import AsyncSessionDependency, SessionDependency

from .cursor import CursorCodec
from .errors import InvalidCursorError
from .execute import (
    UNSIGNED,
    async_call,
    async_run,
    cursor_page_on,
    offset_steps_of,
    run,
)
from .models import CursorPage, Page
from .offset_plan import OffsetRequest
from .plan import MAX_OFFSET, Pageable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

QueryCount: TypeAlias = Callable[..., int] | Callable[..., Awaitable[int]]
"""A dependency, sync or async, that returns the total number of items."""

CodecDependency: TypeAlias = Callable[..., CursorCodec] | Callable[..., Awaitable[CursorCodec]]
"""A dependency, sync or async, that returns the codec of a request's cursors."""


class PaginateSignature(Protocol):
    """What `Paginate` gives an endpoint: call it with a statement to get the page asked for."""

    @overload
    def __call__(self, statement: Select[tuple[T]], scalars: Literal[True] = True) -> Page[T]: ...
    @overload
    def __call__(self, statement: Select[T], scalars: Literal[True] = True) -> Page[T]: ...
    @overload
    def __call__(self, statement: Select[*Ts], scalars: Literal[False]) -> Page[RowMapping]: ...
    @overload
    def __call__(self, statement: Pageable, scalars: bool = True) -> Page[Any]: ...


class AsyncPaginateSignature(Protocol):
    """What `AsyncPaginate` gives an endpoint: await it with a statement to get the page."""

    @overload
    async def __call__(
        self, statement: Select[tuple[T]], scalars: Literal[True] = True
    ) -> Page[T]: ...
    @overload
    async def __call__(self, statement: Select[T], scalars: Literal[True] = True) -> Page[T]: ...
    @overload
    async def __call__(
        self, statement: Select[*Ts], scalars: Literal[False]
    ) -> Page[RowMapping]: ...
    @overload
    async def __call__(self, statement: Pageable, scalars: bool = True) -> Page[Any]: ...


def Pagination(  # noqa: N802
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    query_count: QueryCount | None = None,
) -> Callable[..., Awaitable[PaginateSignature]]:
    """Return a dependency that pages on a sync session, by the parameters `offset` and `limit`.

    Args:
        session_key: the session to query.
        min_page_size: the `limit` of a request that gives none, 1 or more. (The name is that of
            fastapi-sqla; a client may ask for fewer.)
        max_page_size: the largest `limit` that a request may give.
        query_count: a dependency, sync or async, that returns the total; it replaces the count
            of the statement.

    Raises:
        ValueError: the sizes are not 1 <= min_page_size <= max_page_size.

    Example:
        >>> from typing import Annotated
        >>> from fastapi import Depends, HTTPException
        >>> from sqla_pages import PaginateSignature, Pagination
        >>> LongPages = Annotated[PaginateSignature, Depends(Pagination(max_page_size=1000))]
    """
    limit_parameter = _limit_parameter(min_page_size, max_page_size)

    # async def, because FastAPI would run a plain function in a thread.
    async def paginate_dependency(
        session: Annotated[Any, Depends(SessionDependency(session_key))],
        total: Annotated[int | None, Depends(query_count or _unknown_total)],
        offset: _Offset = 0,
        limit: Annotated[int, limit_parameter] = min_page_size,
    ) -> PaginateSignature:
        request = OffsetRequest(offset, limit)

        def paginate(statement: Pageable, scalars: bool = True) -> Page[Any]:
            return run(session, offset_steps_of(statement, request, scalars, total))

        return paginate

    return paginate_dependency


def AsyncPagination(  # noqa: N802
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    query_count: QueryCount | None = None,
) -> Callable[..., Awaitable[AsyncPaginateSignature]]:
    """Return a dependency that pages on an asyncio session; otherwise as `Pagination`.

    Example:
        >>> from typing import Annotated
        >>> from fastapi import Depends, HTTPException
        >>> from sqla_pages import AsyncPaginateSignature, AsyncPagination
        >>> read_only = AsyncPagination(session_key="read_only")
        >>> ReadOnlyPaginate = Annotated[AsyncPaginateSignature, Depends(read_only)]
    """
    limit_parameter = _limit_parameter(min_page_size, max_page_size)

    async def paginate_dependency(
        session: Annotated[Any, Depends(AsyncSessionDependency(session_key))],
        total: Annotated[int | None, Depends(query_count or _unknown_total)],
        offset: _Offset = 0,
        limit: Annotated[int, limit_parameter] = min_page_size,
    ) -> AsyncPaginateSignature:
        request = OffsetRequest(offset, limit)

        async def paginate(statement: Pageable, scalars: bool = True) -> Page[Any]:
            return await async_run(session, offset_steps_of(statement, request, scalars, total))

        return paginate

    return paginate_dependency


class CursorPaginateSignature(Protocol):
    """What `CursorPaginate` gives an endpoint: call it with a statement to get a page."""

    @overload
    def __call__(
        self, statement: Select[tuple[T]], scalars: Literal[True] = True
    ) -> CursorPage[T]: ...
    @overload
    def __call__(self, statement: Select[T], scalars: Literal[True] = True) -> CursorPage[T]: ...
    @overload
    def __call__(
        self, statement: Select[*Ts], scalars: Literal[False]
    ) -> CursorPage[RowMapping]: ...
    @overload
    def __call__(self, statement: Pageable, scalars: bool = True) -> CursorPage[Any]: ...


class AsyncCursorPaginateSignature(Protocol):
    """What `AsyncCursorPaginate` gives an endpoint: await it with a statement to get a page."""

    @overload
    async def __call__(
        self, statement: Select[tuple[T]], scalars: Literal[True] = True
    ) -> CursorPage[T]: ...
    @overload
    async def __call__(
        self, statement: Select[T], scalars: Literal[True] = True
    ) -> CursorPage[T]: ...
    @overload
    async def __call__(
        self, statement: Select[*Ts], scalars: Literal[False]
    ) -> CursorPage[RowMapping]: ...
    @overload
    async def __call__(self, statement: Pageable, scalars: bool = True) -> CursorPage[Any]: ...


def CursorPagination(  # noqa: N802
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    codec: CursorCodec | CodecDependency = UNSIGNED,
) -> Callable[..., Awaitable[CursorPaginateSignature]]:
    """Return a dependency that pages on a sync session, by the parameters `cursor` and `limit`.

    A cursor that was not given out for the endpoint's ordering is answered 400, in the shape of
    FastAPI's own errors.

    Args:
        session_key: the session to query.
        min_page_size: the `limit` of a request that gives none, 1 or more.
        max_page_size: the largest `limit` that a request may give.
        codec: makes cursors of rows and back; or a dependency, sync or async, that returns one,
            such as one with the tenant of the request as its scope.

    Raises:
        ValueError: the sizes are not 1 <= min_page_size <= max_page_size.

    Example:
        >>> from typing import Annotated
        >>> from fastapi import Depends, HTTPException
        >>> from sqla_pages import CursorCodec, CursorPaginateSignature, CursorPagination
        >>> signed = CursorCodec(secrets=["a secret of enough characters"])
        >>> SignedPages = Annotated[
        ...     CursorPaginateSignature, Depends(CursorPagination(codec=signed))
        ... ]
    """
    limit_parameter = _limit_parameter(min_page_size, max_page_size)

    async def paginate_dependency(
        session: Annotated[Any, Depends(SessionDependency(session_key))],
        codec: Annotated[CursorCodec, Depends(_codec_dependency(codec))],
        cursor: _Cursor = None,
        limit: Annotated[int, limit_parameter] = min_page_size,
    ) -> CursorPaginateSignature:
        def paginate(statement: Pageable, scalars: bool = True) -> CursorPage[Any]:
            with _cursor_faults():
                return cursor_page_on(session, statement, cursor, limit, codec, scalars)

        return paginate

    return paginate_dependency


def AsyncCursorPagination(  # noqa: N802
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    codec: CursorCodec | CodecDependency = UNSIGNED,
) -> Callable[..., Awaitable[AsyncCursorPaginateSignature]]:
    """Return a dependency that pages on an asyncio session; otherwise as `CursorPagination`.

    Example:
        >>> from typing import Annotated
        >>> from fastapi import Depends, HTTPException
        >>> from sqla_pages import AsyncCursorPaginateSignature, AsyncCursorPagination
        >>> read_only = AsyncCursorPagination(session_key="read_only")
        >>> ReadOnlyPaginate = Annotated[AsyncCursorPaginateSignature, Depends(read_only)]
    """
    limit_parameter = _limit_parameter(min_page_size, max_page_size)

    async def paginate_dependency(
        session: Annotated[Any, Depends(AsyncSessionDependency(session_key))],
        codec: Annotated[CursorCodec, Depends(_codec_dependency(codec))],
        cursor: _Cursor = None,
        limit: Annotated[int, limit_parameter] = min_page_size,
    ) -> AsyncCursorPaginateSignature:
        async def paginate(statement: Pageable, scalars: bool = True) -> CursorPage[Any]:
            with _cursor_faults():
                return await async_call(
                    session, cursor_page_on, statement, cursor, limit, codec, scalars
                )

        return paginate

    return paginate_dependency


_Offset = Annotated[int, QueryParameter(ge=0, le=MAX_OFFSET, description="Number of items to skip")]


# Without a max_length: a longer one is no cursor, which is a 400 and not a 422.
_Cursor = Annotated[
    str | None,
    QueryParameter(description="Where the page begins: a cursor of another page's meta"),
]


def _codec_dependency(codec: CursorCodec | CodecDependency) -> Callable[..., Any]:
    if not isinstance(codec, CursorCodec):
        return codec

    async def constant_codec() -> CursorCodec:
        return codec

    return constant_codec


@contextmanager
def _cursor_faults() -> Generator[None, None, None]:
    """Answer a bad cursor with its status, in the shape of FastAPI's own errors."""
    try:
        yield
    except InvalidCursorError as error:
        detail = {
            "type": "cursor_invalid",
            "loc": ["query", "cursor"],
            "msg": str(error),
            "ctx": {"reason": error.reason},
        }
        raise HTTPException(error.status_hint, [detail]) from error


def _limit_parameter(min_page_size: int, max_page_size: int) -> Any:
    if not 1 <= min_page_size <= max_page_size:
        raise ValueError(
            "page sizes must be 1 <= min_page_size <= max_page_size, "
            f"not {min_page_size} and {max_page_size}"
        )
    return QueryParameter(ge=1, le=max_page_size, description="Number of items on a page")


async def _unknown_total() -> None:
    """Leave the total to the statement's count."""


Paginate = Annotated[PaginateSignature, Depends(Pagination())]
"""Pages on the default session, as the annotation of a parameter."""

AsyncPaginate = Annotated[AsyncPaginateSignature, Depends(AsyncPagination())]
"""Pages on the default asyncio session, as the annotation of a parameter."""

CursorPaginate = Annotated[CursorPaginateSignature, Depends(CursorPagination())]
"""Cursor pages on the default session, as the annotation of a parameter."""

AsyncCursorPaginate = Annotated[AsyncCursorPaginateSignature, Depends(AsyncCursorPagination())]
"""Cursor pages on the default asyncio session, as the annotation of a parameter."""
