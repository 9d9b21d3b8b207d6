"""Exact pages of any SQLAlchemy Select.

The names of the FastAPI face are imported when they are first used: the rest works without FastAPI
and without `sqla_session`.
"""

from typing import TYPE_CHECKING

from .count import count_statement
from .errors import (
    DialectNotSupportedError,
    OrderingNotTotalError,
    PageRequestError,
    PagesError,
    StatementNotPageableError,
)
from .execute import async_count, async_offset_page, count, offset_page
from .models import Collection, Item, Page, PageMeta

if TYPE_CHECKING:
    from .fastapi import (
        AsyncPaginate,
        AsyncPaginateSignature,
        AsyncPagination,
        Paginate,
        PaginateSignature,
        Pagination,
    )

__all__ = [
    "AsyncPaginate",
    "AsyncPaginateSignature",
    "AsyncPagination",
    "Collection",
    "DialectNotSupportedError",
    "Item",
    "OrderingNotTotalError",
    "Page",
    "PageMeta",
    "PageRequestError",
    "PagesError",
    "Paginate",
    "PaginateSignature",
    "Pagination",
    "StatementNotPageableError",
    "async_count",
    "async_offset_page",
    "count",
    "count_statement",
    "offset_page",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import fastapi

    value = globals()[name] = getattr(fastapi, name)
    return value


def __dir__() -> list[str]:
    return __all__
