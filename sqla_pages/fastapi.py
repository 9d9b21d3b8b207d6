"""The FastAPI dependencies that page what an endpoint selects."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import (
    Annotated,
    Any,
    TypeAlias,
    TypeVar,
    TypeVarTuple,
    overload,
)

from fastapi import Depends, HTTPException
from fastapi import Query as QueryParameter
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from sqla_session import AsyncSessionDependency, SessionDependency

from .by_cursor import check_cursor_policy, cursor_page_on
from .by_offset import offset_page_on
from .cursor import UNSIGNED, CursorCodec
from .deep import DeepOffset
from .errors import InvalidCursorError
from .execute import async_call
from .models import CountedCursorPage, CursorPage, M, OffsetPage
from .offset_plan import AUTO, OffsetRequest
from .plan import MAX_LIMIT, MAX_OFFSET, Pageable
from .signatures import (
    AsyncCountedCursorPaginateSignature,
    AsyncCountedPaginateSignature,
    AsyncCursorPaginateSignature,
    AsyncPaginateSignature,
    CountedCursorPaginateSignature,
    CountedPaginateSignature,
    CursorPaginateSignature,
    PaginateSignature,
)
from .totals import EXACT, CountPolicy, ExactCount

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

QueryCount: TypeAlias = Callable[..., int] | Callable[..., Awaitable[int]]
"""A dependency, sync or async, that returns the total number of items."""

CodecDependency: TypeAlias = Callable[..., CursorCodec] | Callable[..., Awaitable[CursorCodec]]
"""A dependency, sync or async, that returns the codec of a request's cursors."""


# mypy does not see that a page is also one with any policy's meta.
@overload
def Pagination(  # type: ignore[overload-overlap]
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    query_count: QueryCount | None = None,
    *,
    count: ExactCount = EXACT,
    max_offset: int | None = None,
    deep: DeepOffset = AUTO,
) -> Callable[..., Awaitable[PaginateSignature]]: ...
@overload
def Pagination(
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    query_count: None = None,
    *,
    count: CountPolicy[M],
    max_offset: int | None = None,
    deep: DeepOffset = AUTO,
) -> Callable[..., Awaitable[CountedPaginateSignature[M]]]: ...
def Pagination(  # noqa: N802
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    query_count: QueryCount | None = None,
    *,
    count: CountPolicy[Any] = EXACT,
    max_offset: int | None = None,
    deep: DeepOffset = AUTO,
) -> Callable[..., Awaitable[Any]]:
    """Return a dependency that pages on a sync session, by the parameters `offset` and `limit`.

    Args:
        session_key: the session to query.
        min_page_size: the `limit` of a request that gives none, 1 or more. (The name is that of
            fastapi-sqla; a client may ask for fewer.)
        max_page_size: the largest `limit` that a request may give.
        query_count: a dependency, sync or async, that returns the total; it replaces the count
            of the statement. If the page shows that there are more, a warning is logged, and the
            statement is counted.
        count: how much is counted: `ExactCount`, `NoCount`, `CappedCount` or `EstimatedCount`. All
            but the first give pages with another meta, and are annotated by
            `CountedPaginateSignature`.
        max_offset: the largest `offset` that a request may give; a larger one is answered 422.
        deep: what is done about deep offsets; by default, what pays and is proved right.

    Raises:
        ValueError: the sizes are not 1 <= min_page_size <= max_page_size, the largest offset is
            negative, or a query_count is given beside a policy that counts by itself.

    Example:
        >>> from typing import Annotated
        >>> from fastapi import Depends, HTTPException
        >>> from sqla_pages import PaginateSignature, Pagination
        >>> LongPages = Annotated[PaginateSignature, Depends(Pagination(max_page_size=1000))]
    """
    limit_parameter = _limit_parameter(min_page_size, max_page_size)
    offset_parameter = _offset_parameter(max_offset)
    _check_counts(query_count, count)

    # async def, because FastAPI would run a plain function in a thread.
    async def paginate_dependency(
        session: Annotated[Any, Depends(SessionDependency(session_key))],
        total: Annotated[int | None, Depends(query_count or _unknown_total)],
        offset: Annotated[int, *offset_parameter] = 0,
        limit: Annotated[int, limit_parameter] = min_page_size,
    ) -> Any:
        request = OffsetRequest(offset, limit)

        def paginate(statement: Pageable, scalars: bool = True) -> OffsetPage[Any, Any]:
            return offset_page_on(session, statement, request, scalars, count, deep, total)

        return paginate

    return paginate_dependency


@overload
def AsyncPagination(  # type: ignore[overload-overlap]
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    query_count: QueryCount | None = None,
    *,
    count: ExactCount = EXACT,
    max_offset: int | None = None,
    deep: DeepOffset = AUTO,
) -> Callable[..., Awaitable[AsyncPaginateSignature]]: ...
@overload
def AsyncPagination(
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    query_count: None = None,
    *,
    count: CountPolicy[M],
    max_offset: int | None = None,
    deep: DeepOffset = AUTO,
) -> Callable[..., Awaitable[AsyncCountedPaginateSignature[M]]]: ...
def AsyncPagination(  # noqa: N802
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    query_count: QueryCount | None = None,
    *,
    count: CountPolicy[Any] = EXACT,
    max_offset: int | None = None,
    deep: DeepOffset = AUTO,
) -> Callable[..., Awaitable[Any]]:
    """Return a dependency that pages on an asyncio session; otherwise as `Pagination`.

    Example:
        >>> from typing import Annotated
        >>> from fastapi import Depends, HTTPException
        >>> from sqla_pages import AsyncPaginateSignature, AsyncPagination
        >>> read_only = AsyncPagination(session_key="read_only")
        >>> ReadOnlyPaginate = Annotated[AsyncPaginateSignature, Depends(read_only)]
    """
    limit_parameter = _limit_parameter(min_page_size, max_page_size)
    offset_parameter = _offset_parameter(max_offset)
    _check_counts(query_count, count)

    async def paginate_dependency(
        session: Annotated[Any, Depends(AsyncSessionDependency(session_key))],
        total: Annotated[int | None, Depends(query_count or _unknown_total)],
        offset: Annotated[int, *offset_parameter] = 0,
        limit: Annotated[int, limit_parameter] = min_page_size,
    ) -> Any:
        request = OffsetRequest(offset, limit)

        async def paginate(statement: Pageable, scalars: bool = True) -> OffsetPage[Any, Any]:
            return await async_call(
                session, offset_page_on, statement, request, scalars, count, deep, total
            )

        return paginate

    return paginate_dependency


@overload
def CursorPagination(
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    codec: CursorCodec | CodecDependency = UNSIGNED,
    *,
    count: None = None,
) -> Callable[..., Awaitable[CursorPaginateSignature]]: ...
@overload
def CursorPagination(
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    codec: CursorCodec | CodecDependency = UNSIGNED,
    *,
    count: CountPolicy[Any],
) -> Callable[..., Awaitable[CountedCursorPaginateSignature]]: ...
def CursorPagination(  # noqa: N802
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    codec: CursorCodec | CodecDependency = UNSIGNED,
    *,
    count: CountPolicy[Any] | None = None,
) -> Callable[..., Awaitable[Any]]:
    """Return a dependency that pages on a sync session, by the parameters `cursor` and `limit`.

    A cursor that was not given out for the endpoint's ordering is answered 400, in the shape of
    FastAPI's own errors.

    Args:
        session_key: the session to query.
        min_page_size: the `limit` of a request that gives none, 1 or more.
        max_page_size: the largest `limit` that a request may give.
        codec: makes cursors of rows and back; or a dependency, sync or async, that returns one,
            such as one with the tenant of the request as its scope.
        count: how much is counted, `ExactCount`, `CappedCount` or `EstimatedCount`; the pages are
            then `CountedCursorPage[T]`, annotated by `CountedCursorPaginateSignature`.

    Raises:
        ValueError: the sizes are not 1 <= min_page_size <= max_page_size, or the policy is NoCount.

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
    check_cursor_policy(count)

    async def paginate_dependency(
        session: Annotated[Any, Depends(SessionDependency(session_key))],
        codec: Annotated[CursorCodec, Depends(_codec_dependency(codec))],
        cursor: _Cursor = None,
        limit: Annotated[int, limit_parameter] = min_page_size,
    ) -> Any:
        def paginate(
            statement: Pageable, scalars: bool = True
        ) -> CursorPage[Any] | CountedCursorPage[Any]:
            with _cursor_faults():
                return cursor_page_on(session, statement, cursor, limit, codec, scalars, count)

        return paginate

    return paginate_dependency


@overload
def AsyncCursorPagination(
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    codec: CursorCodec | CodecDependency = UNSIGNED,
    *,
    count: None = None,
) -> Callable[..., Awaitable[AsyncCursorPaginateSignature]]: ...
@overload
def AsyncCursorPagination(
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    codec: CursorCodec | CodecDependency = UNSIGNED,
    *,
    count: CountPolicy[Any],
) -> Callable[..., Awaitable[AsyncCountedCursorPaginateSignature]]: ...
def AsyncCursorPagination(  # noqa: N802
    session_key: str = "default",
    min_page_size: int = 10,
    max_page_size: int = 100,
    codec: CursorCodec | CodecDependency = UNSIGNED,
    *,
    count: CountPolicy[Any] | None = None,
) -> Callable[..., Awaitable[Any]]:
    """Return a dependency that pages on an asyncio session; otherwise as `CursorPagination`.

    Example:
        >>> from typing import Annotated
        >>> from fastapi import Depends, HTTPException
        >>> from sqla_pages import AsyncCursorPaginateSignature, AsyncCursorPagination
        >>> read_only = AsyncCursorPagination(session_key="read_only")
        >>> ReadOnlyPaginate = Annotated[AsyncCursorPaginateSignature, Depends(read_only)]
    """
    limit_parameter = _limit_parameter(min_page_size, max_page_size)
    check_cursor_policy(count)

    async def paginate_dependency(
        session: Annotated[Any, Depends(AsyncSessionDependency(session_key))],
        codec: Annotated[CursorCodec, Depends(_codec_dependency(codec))],
        cursor: _Cursor = None,
        limit: Annotated[int, limit_parameter] = min_page_size,
    ) -> Any:
        async def paginate(
            statement: Pageable, scalars: bool = True
        ) -> CursorPage[Any] | CountedCursorPage[Any]:
            with _cursor_faults():
                return await async_call(
                    session, cursor_page_on, statement, cursor, limit, codec, scalars, count
                )

        return paginate

    return paginate_dependency


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
    largest = min(max_page_size, MAX_LIMIT)
    return QueryParameter(ge=1, le=largest, description="Number of items on a page")


def _offset_parameter(max_offset: int | None) -> tuple[Any, ...]:
    """Return the annotations of the parameter `offset`."""
    description = "Number of items to skip"
    if max_offset is None or max_offset >= MAX_OFFSET:
        return (QueryParameter(ge=0, le=MAX_OFFSET, description=description),)
    if max_offset < 0:
        raise ValueError(f"max_offset must be 0 or more, not {max_offset}")

    def check(offset: int) -> int:
        if offset > max_offset:
            raise PydanticCustomError(
                "offset_too_deep",
                "offset must be {max_offset} or less: to read further, follow the cursors of "
                "cursor pages, or narrow the request down",
                {"max_offset": max_offset},
            )
        return offset

    extra = {"maximum": max_offset}
    parameter = QueryParameter(ge=0, description=description, json_schema_extra=extra)
    return parameter, AfterValidator(check)


def _check_counts(query_count: QueryCount | None, count: CountPolicy[Any]) -> None:
    if query_count is not None and count != EXACT:
        raise ValueError("query_count gives the total: leave out the other policy, `count`")


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
