"""What the dependencies give an endpoint: functions that page a statement, by what they return."""

from __future__ import annotations

from typing import Any, Literal, Protocol, TypeVar, TypeVarTuple, overload

from sqlalchemy import RowMapping, Select

from .models import CountedCursorPage, CursorPage, M, OffsetPage, Page
from .plan import Pageable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class CountedPaginateSignature(Protocol[M]):
    """What a `Pagination` with a policy of its own gives: pages with the meta of that policy."""

    @overload
    def __call__(
        self, statement: Select[tuple[T]], scalars: Literal[True] = True
    ) -> OffsetPage[T, M]: ...
    @overload
    def __call__(self, statement: Select[T], scalars: Literal[True] = True) -> OffsetPage[T, M]: ...
    @overload
    def __call__(
        self, statement: Select[*Ts], scalars: Literal[False]
    ) -> OffsetPage[RowMapping, M]: ...
    @overload
    def __call__(self, statement: Pageable, scalars: bool = True) -> OffsetPage[Any, M]: ...


class AsyncCountedPaginateSignature(Protocol[M]):
    """What an `AsyncPagination` with a policy of its own gives: pages with its meta."""

    @overload
    async def __call__(
        self, statement: Select[tuple[T]], scalars: Literal[True] = True
    ) -> OffsetPage[T, M]: ...
    @overload
    async def __call__(
        self, statement: Select[T], scalars: Literal[True] = True
    ) -> OffsetPage[T, M]: ...
    @overload
    async def __call__(
        self, statement: Select[*Ts], scalars: Literal[False]
    ) -> OffsetPage[RowMapping, M]: ...
    @overload
    async def __call__(self, statement: Pageable, scalars: bool = True) -> OffsetPage[Any, M]: ...


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


class CountedCursorPaginateSignature(Protocol):
    """What a `CursorPagination` that counts gives: pages with a total in their meta."""

    @overload
    def __call__(
        self, statement: Select[tuple[T]], scalars: Literal[True] = True
    ) -> CountedCursorPage[T]: ...
    @overload
    def __call__(
        self, statement: Select[T], scalars: Literal[True] = True
    ) -> CountedCursorPage[T]: ...
    @overload
    def __call__(
        self, statement: Select[*Ts], scalars: Literal[False]
    ) -> CountedCursorPage[RowMapping]: ...
    @overload
    def __call__(self, statement: Pageable, scalars: bool = True) -> CountedCursorPage[Any]: ...


class AsyncCountedCursorPaginateSignature(Protocol):
    """What an `AsyncCursorPagination` that counts gives: pages with a total in their meta."""

    @overload
    async def __call__(
        self, statement: Select[tuple[T]], scalars: Literal[True] = True
    ) -> CountedCursorPage[T]: ...
    @overload
    async def __call__(
        self, statement: Select[T], scalars: Literal[True] = True
    ) -> CountedCursorPage[T]: ...
    @overload
    async def __call__(
        self, statement: Select[*Ts], scalars: Literal[False]
    ) -> CountedCursorPage[RowMapping]: ...
    @overload
    async def __call__(
        self, statement: Pageable, scalars: bool = True
    ) -> CountedCursorPage[Any]: ...
