"""Proves in a test that the pages of a statement, or of an endpoint, are right.

Hypothesis strategies are in `sqla_pages.testing.strategies`, which needs the extra `testing`.
"""

from .differences import PagesMismatchError
from .endpoints import assert_endpoint_pages, async_assert_endpoint_pages
from .matching import assert_pages_match, async_assert_pages_match
from .responses import check_page

__all__ = [
    "PagesMismatchError",
    "assert_endpoint_pages",
    "assert_pages_match",
    "async_assert_endpoint_pages",
    "async_assert_pages_match",
    "check_page",
]
