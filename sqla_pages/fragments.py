"""What is added to a statement to make a page of it.

None of it holds a value: those of a cursor are parameters. So the fragments of one page serve every
other page of its shape, and those of a statement every statement that is built alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement

from .dialects import Traits
from .keyset import Anchor, Condition, Key, all_of, inner_order_of, order_of, ranges_after, settled

Direction: TypeAlias = Literal["after", "before"]

SENT: Final = "_s{}"


class Shape(NamedTuple):
    """What decides the text of a page: its direction, and the row that it begins at, if any."""

    direction: Direction = "after"
    anchor: tuple[str | None, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Fragments:
    """What makes a page.

    Attributes:
        keys: sorted by, in the direction of the page.
        ranges: the conditions of its rows; none on the first page.
        sent: the keys as they are selected.
        order: the keys as they stand in ORDER BY.
        is_united: whether the ranges are read one by one, as parts of a union.
    """

    keys: tuple[Key, ...]
    ranges: tuple[Condition, ...]
    sent: tuple[ColumnElement[Any], ...]
    order: tuple[ColumnElement[Any], ...]
    is_united: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What finds a row on the other side of a page: a range, and the order to read it in."""

    condition: Condition
    order: tuple[ColumnElement[Any], ...]


def page_of(
    keys: tuple[Key, ...], ranges: tuple[Condition, ...], traits: Traits, *, is_united: bool = False
) -> Fragments:
    """Return the fragments of a page of the rows in these ranges."""
    sent = tuple(
        key.carrier.sent(key.expression).label(SENT.format(place)) for place, key in enumerate(keys)
    )
    return Fragments(keys, ranges, sent, order_of(keys, traits), is_united)


def fragments_of(
    keys: Sequence[Key], shape: Shape, traits: Traits, *, can_unite: bool, keys_first: bool
) -> Fragments:
    """Return the fragments of the pages of a shape.

    Args:
        keys: of the statement, in its own direction.
        shape: of the page.
        traits: of the database.
        can_unite: whether a page may be a union of ranges.
        keys_first: whether it is one wherever it begins at a row.
    """
    keys, anchor = _directed(keys, shape), shape.anchor
    if not can_unite:
        return page_of(keys, () if anchor is None else (_one_range(keys, anchor, traits),), traits)
    ranges = ranges_after(keys, anchor, traits)
    if len(ranges) > 1 or (keys_first and anchor is not None):
        return page_of(keys, ranges, traits, is_united=True)
    if anchor is None:
        return page_of(keys, (), traits)
    return page_of(settled(keys, traits), ranges, traits)


def probes_of(
    keys: Sequence[Key], shape: Shape, traits: Traits, *, can_unite: bool, is_inline: bool
) -> tuple[Probe, ...]:
    """Return what finds a row behind the row that the pages of a shape begin at, or that row.

    Arguments are those of `fragments_of`; `is_inline` where the statement itself is limited.
    """
    if shape.anchor is None:
        raise ValueError("there is nothing behind an end")
    behind = tuple(key.flipped() for key in _directed(keys, shape))
    ranges = ranges_after(behind, shape.anchor, traits, inclusive=True, united=can_unite)
    order = inner_order_of(behind, traits) if is_inline else order_of(behind, traits)
    return tuple(Probe(condition, order) for condition in ranges)


def _directed(keys: Sequence[Key], shape: Shape) -> tuple[Key, ...]:
    return tuple(key.flipped() if shape.direction == "before" else key for key in keys)


def _one_range(keys: Sequence[Key], anchor: Anchor, traits: Traits) -> Condition:
    first = keys[0]
    (condition,) = ranges_after(keys, anchor, traits, united=False)
    is_one = traits.unites is None or len(ranges_after(keys, anchor, traits)) == 1
    if is_one or anchor[0] is None or (first.nullable and not first.nulls_first):
        return condition
    # Where an index begins; the OR alone is none.
    (bound,) = ranges_after(keys[:1], anchor[:1], traits, inclusive=True, united=False)
    return all_of((bound, condition))
