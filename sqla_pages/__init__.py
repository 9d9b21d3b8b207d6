"""Exact pages of any SQLAlchemy Select.

The names of the FastAPI face are imported when they are first used: the rest works without FastAPI
and without `sqla_session`.
"""

from typing import TYPE_CHECKING

from .count import count_statement
from .cursor import CursorCodec
from .errors import (
    DialectNotSupportedError,
    InvalidCursorError,
    OrderingNotTotalError,
    PageRequestError,
    PagesError,
    SortKeyNotSeekableError,
    StatementNotPageableError,
)
from .execute import (
    async_count,
    async_cursor_page,
    async_offset_page,
    count,
    cursor_page,
    offset_page,
)
from .explain import PageSQL, plan_page
from .iterate import async_iter_pages, async_iter_rows, iter_pages, iter_rows
from .models import Collection, CursorPage, CursorPageMeta, Item, Page, PageMeta

if TYPE_CHECKING:
    from .fastapi import (
        AsyncCursorPaginate,
        AsyncCursorPaginateSignature,
        AsyncCursorPagination,
        AsyncPaginate,
        AsyncPaginateSignature,
        AsyncPagination,
        CursorPaginate,
        CursorPaginateSignature,
        CursorPagination,
        Paginate,
        PaginateSignature,
        Pagination,
    )

__all__ = [
    "AsyncCursorPaginate",
    "AsyncCursorPaginateSignature",
    "AsyncCursorPagination",
    "AsyncPaginate",
    "AsyncPaginateSignature",
    "AsyncPagination",
    "Collection",
    "CursorCodec",
    "CursorPage",
    "CursorPageMeta",
    "CursorPaginate",
    "CursorPaginateSignature",
    "CursorPagination",
    "DialectNotSupportedError",
    "InvalidCursorError",
    "Item",
    "OrderingNotTotalError",
    "Page",
    "PageMeta",
    "PageRequestError",
    "PageSQL",
    "PagesError",
    "Paginate",
    "PaginateSignature",
    "Pagination",
    "SortKeyNotSeekableError",
    "StatementNotPageableError",
    "async_count",
    "async_cursor_page",
    "async_iter_pages",
    "async_iter_rows",
    "async_offset_page",
    "count",
    "count_statement",
    "cursor_page",
    "iter_pages",
    "iter_rows",
    "offset_page",
    "plan_page",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import fastapi

    value = globals()[name] = getattr(fastapi, name)
    return value


def __dir__() -> list[str]:
    return __all__
