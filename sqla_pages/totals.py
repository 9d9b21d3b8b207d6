"""Policies of the total: how much of a collection is counted for a page, and what its meta says.

A policy says what to run for the total, and makes the meta of the page. None asks anything where
the page proves the total by itself.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeAlias

from sqlalchemy import Dialect

from .counts import CountPlan
from .estimate import can_estimate, explain, rows_expected
from .models import (
    CappedPageMeta,
    EstimatedPageMeta,
    M,
    PageMeta,
    UncountedPageMeta,
)
from .plan import MAX_OFFSET, Step, Steps
from .rewrites import CountRewrite, check_rewrites


@dataclass(frozen=True, slots=True)
class Total:
    """The number of rows of a statement, as far as it is known."""

    rows: int
    is_exact: bool = True


TotalSteps: TypeAlias = Steps[Total]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page shows of its collection: at least so many rows, and whether there are more.

    `has_next` is None where the page does not show it.
    """

    offset: int
    limit: int
    rows: int
    has_next: bool | None = None

    @property
    def at_least(self) -> int:
        """The number of rows that there must be: those up to the end of the page."""
        return self.offset + self.rows if self.rows else 0

    @property
    def total(self) -> Total | None:
        """The total, if the page proves it: it is not full, or empty at the very beginning."""
        is_end = self.has_next is False or self.rows < self.limit
        return Total(self.at_least) if is_end and (self.rows or self.offset == 0) else None


class CountPolicy(ABC, Generic[M]):
    """How the total of a page is found: one of `ExactCount`, `NoCount` and the others.

    It is generic in the meta that the pages then have.
    """

    without: Collection[CountRewrite] = ()
    """The rewrites of `COUNT_REWRITES` that are not to be made."""

    in_page: bool = False
    """Whether page and total are to be taken in one statement."""

    is_exact: ClassVar[bool] = False
    """Whether the total is always that of all rows, counted."""

    reads_ahead: ClassVar[bool] = False
    """Whether a page reads one row more than it shows."""

    @abstractmethod
    def total_steps(self, count: CountPlan, dialect: Dialect, at_least: int) -> TotalSteps:
        """Yield what finds the total, receive the results, return it."""

    @abstractmethod
    def meta_of(self, seen: Seen, total: Total) -> M:
        """Return the meta of a page."""


@dataclass(frozen=True, slots=True)
class ExactCount(CountPolicy[PageMeta]):
    """Count every row: pages are `Page[T]`. This is what is done if nothing else is said.

    Args:
        without: names of `COUNT_REWRITES` that are not to be made.
        in_page: take page and total in one statement, which saves a round trip, but counts even
            where the page proves the total. Where a statement cannot be selected from beside its
            count, such as one ordered by a text, there are two statements still.

    Raises:
        ValueError: there is no such rewrite.

    Example:
        >>> from sqla_pages import ExactCount, Pagination
        >>> dependency = Pagination(count=ExactCount(in_page=True))
    """

    is_exact: ClassVar[bool] = True

    without: Collection[CountRewrite] = ()
    in_page: bool = False

    def __post_init__(self) -> None:
        """Check the names."""
        check_rewrites(self.without)

    def total_steps(self, count: CountPlan, dialect: Dialect, at_least: int) -> TotalSteps:
        """Yield the count."""
        return Total(int((yield Step(count.statement)).scalar_one()))

    def meta_of(self, seen: Seen, total: Total) -> PageMeta:
        """Return the meta of a page."""
        return PageMeta.of(offset=seen.offset, limit=seen.limit, total_items=total.rows)


@dataclass(frozen=True, slots=True)
class NoCount(CountPolicy[UncountedPageMeta]):
    """Count nothing: pages are `UncountedPage[T]`, whose meta says whether there is a next one.

    One statement a page, which reads one row more than the page shows.

    Example:
        >>> from sqla_pages import NoCount, Pagination
        >>> dependency = Pagination(count=NoCount())
    """

    reads_ahead: ClassVar[bool] = True

    def total_steps(self, count: CountPlan, dialect: Dialect, at_least: int) -> TotalSteps:
        """Yield nothing."""
        yield from ()
        return Total(at_least, is_exact=False)

    def meta_of(self, seen: Seen, total: Total) -> UncountedPageMeta:
        """Return the meta of a page."""
        return UncountedPageMeta(
            offset=seen.offset,
            page_number=seen.offset // seen.limit + 1,
            has_next=bool(seen.has_next),
        )


@dataclass(frozen=True, slots=True)
class CappedCount(CountPolicy[CappedPageMeta]):
    """Count no more than `at_most` rows: pages are `CappedPage[T]`, to show as "10,000+".

    A page beyond shows that there are more: its `total_items` is then the end of the page.

    Args:
        at_most: the largest number that is counted, 1 or more.

    Raises:
        ValueError: it is less than 1, or above what databases count to.

    Example:
        >>> from sqla_pages import CappedCount, Pagination
        >>> dependency = Pagination(count=CappedCount(at_most=1_000))
    """

    at_most: int = 10_000

    def __post_init__(self) -> None:
        """Check the bound."""
        _check("at_most", self.at_most)

    def total_steps(self, count: CountPlan, dialect: Dialect, at_least: int) -> TotalSteps:
        """Yield the count of at most one row more."""
        if at_least > self.at_most:
            return Total(at_least, is_exact=False)
        found = int((yield Step(count.up_to(self.at_most + 1))).scalar_one())
        return Total(min(found, self.at_most), is_exact=found <= self.at_most)

    def meta_of(self, seen: Seen, total: Total) -> CappedPageMeta:
        """Return the meta of a page."""
        whole = PageMeta.of(offset=seen.offset, limit=seen.limit, total_items=total.rows)
        return CappedPageMeta(total_items_exact=total.is_exact, **whole.model_dump())


@dataclass(frozen=True, slots=True)
class EstimatedCount(CountPolicy[EstimatedPageMeta]):
    """Take the database's own estimate of a large number: pages are `EstimatedPage[T]`.

    The estimate is that of EXPLAIN on PostgreSQL, MariaDB and MySQL. Below `exact_below` the rows
    are counted; so are they where the database has no estimate: on SQLite, and on MariaDB and
    MySQL of DISTINCT, GROUP BY, unions and a LIMIT.

    Args:
        exact_below: numbers below this one are counted, 0 or more. A count stops there.

    Raises:
        ValueError: it is negative, or above what databases count to.

    Example:
        >>> from sqla_pages import EstimatedCount, Pagination
        >>> dependency = Pagination(count=EstimatedCount(exact_below=1_000))
    """

    exact_below: int = 10_000

    def __post_init__(self) -> None:
        """Check the bound."""
        _check("exact_below", self.exact_below, 0)

    def total_steps(self, count: CountPlan, dialect: Dialect, at_least: int) -> TotalSteps:
        """Yield the EXPLAIN, and a count where it says little."""
        if not can_estimate(count.rows, dialect):
            return Total(int((yield Step(count.statement)).scalar_one()))
        expected = rows_expected((yield Step(explain(count.rows))).scalar_one())
        if expected is None:
            return Total(int((yield Step(count.statement)).scalar_one()))
        if max(expected, at_least) < self.exact_below:
            found = int((yield Step(count.up_to(self.exact_below))).scalar_one())
            if found < self.exact_below:
                return Total(found)
        return Total(max(expected, at_least, self.exact_below), is_exact=False)

    def meta_of(self, seen: Seen, total: Total) -> EstimatedPageMeta:
        """Return the meta of a page."""
        whole = PageMeta.of(offset=seen.offset, limit=seen.limit, total_items=total.rows)
        return EstimatedPageMeta(total_items_exact=total.is_exact, **whole.model_dump())


EXACT = ExactCount()


def _check(name: str, value: int, least: int = 1) -> None:
    if not least <= value < MAX_OFFSET:
        raise ValueError(f"{name} must be from {least} to {MAX_OFFSET - 1}, not {value}")
