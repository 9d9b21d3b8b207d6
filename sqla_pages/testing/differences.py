"""How pages differ from the rows that they should hold."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from .rows import Key, text_of

_MOST = 5
"""Rows of one kind that a message names."""


class PagesMismatchError(AssertionError):
    """Pages are not what they should be; the message says which rows, where, and why perhaps."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The rows that pages should hold: `rows`, in one of the orders that the statement allows.

    `ties` are the sizes of the sets of rows that are equal in what the statement sorts by, in
    order; the order within a set is open. Where the statement has a limit of its own, that may
    leave open too which rows of the first and the last set there are: `pool` are those that there
    would be without it, and None where there is no limit.
    """

    rows: Sequence[Key]
    ties: Sequence[int]
    pool: Sequence[Key] | None = None

    @property
    def settled(self) -> Sequence[Key]:
        """The rows that have to be there."""
        if self.pool is None or not self.ties:
            return self.rows
        return self.rows[self.ties[0] : len(self.rows) - self.ties[-1]]


def differences(expected: Expected, pages: Sequence[Sequence[Key]]) -> Iterator[str]:
    """Yield what is wrong with pages, a line for each kind of fault; nothing if they are right."""
    found = list(chain.from_iterable(pages))
    numbers = [number for number, page in enumerate(pages, 1) for _ in page]
    possible = Counter(expected.rows if expected.pool is None else expected.pool)
    lost = Counter(expected.settled) - Counter(found)
    added = Counter(found) - possible
    doubled = Counter({key: more for key, more in added.items() if possible[key]})
    strange = added - doubled
    if len(found) != len(expected.rows):
        yield f"{len(found)} rows, not {len(expected.rows)}"
    if lost:
        yield f"lost: {_named(_lost_places(expected.rows, lost, pages))}"
    if doubled:
        yield f"doubled: {_named(_found_places(found, numbers, doubled))}"
    if strange:
        yield f"not of the statement: {_named(_found_places(found, numbers, strange))}"
    if len(found) == len(expected.rows) and not lost and not added:
        misplaced = _named(_misplaced(expected, found, numbers))
        if misplaced:
            yield f"out of order: {misplaced}"


def listed(title: str, faults: Iterable[str]) -> str:
    """Return a message: the faults, a line each, below a title."""
    return "\n- ".join([title, *faults])


def _lost_places(
    rows: Sequence[Key], lost: Counter[Key], pages: Sequence[Sequence[Key]]
) -> Iterator[str]:
    """Say where rows are missing: after which page their predecessor stands."""
    page_of = {key: number for number, page in enumerate(pages, 1) for key in page}
    held = Counter(chain.from_iterable(pages))
    before: Key | None = None
    for place, key in enumerate(rows, 1):
        if held[key] > 0 or key not in lost:
            held[key] -= 1
            before = key
            continue
        number = page_of.get(before)
        if number is None:
            where = "before page 1"
        else:
            where = f"{'after' if before == pages[number - 1][-1] else 'within'} page {number}"
        yield f"{text_of(key)} (row {place}, {where})"


def _found_places(
    found: Sequence[Key], numbers: Sequence[int], wanted: Counter[Key]
) -> Iterator[str]:
    for key in wanted:
        at = [str(number) for row, number in zip(found, numbers, strict=True) if row == key]
        yield f"{text_of(key)} (on page {' and '.join(at)})"


def _misplaced(expected: Expected, found: Sequence[Key], numbers: Sequence[int]) -> Iterator[str]:
    begin = 0
    for index, size in enumerate(expected.ties):
        places = slice(begin, begin + size)
        begin += size
        if expected.pool is not None and index in (0, len(expected.ties) - 1):
            continue
        strange = Counter(found[places]) - Counter(expected.rows[places])
        for place in range(places.start, places.stop):
            if strange[found[place]] > 0:
                strange[found[place]] -= 1
                yield f"{text_of(found[place])} (row {place + 1}, on page {numbers[place]})"


def _named(places: Iterator[str]) -> str:
    shown = list(islice(places, _MOST))
    more = sum(1 for _ in places)
    return ", ".join(shown) + (f", and {more} more" if more else "")
