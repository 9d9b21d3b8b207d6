"""The seek predicate: which rows lie after a row, by parameters for the values of its sort keys.

For keys without NULLs that all ascend, after (x, y) are the rows with

    (a, b) > (x, y)   ==   a > x  OR  (a = x AND b > y)

A run of keys of one direction is compared as a row where the database reads that as one range of an
index. Where the direction changes, where NULLs lie ahead, or where the row itself holds a NULL, the
rows after it are several ranges, none of which overlap:

    keys [run, rest]            run > x;   run = x AND (what rest says)
    a key whose NULLs follow    what the keys before it equal AND key IS NULL
    a key that is NULL there    key IS NULL AND (what rest says);   key IS NOT NULL if NULLs lead

Going backward, every direction and every placement of NULLs is flipped.
Sources: Winand, https://use-the-index-luke.com/no-offset; Blaze-Persistence's keyset pagination.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, and_, case, null, or_, true, tuple_

from ._sqla import number
from .carriers import Carrier
from .dialects import Traits
from .expressions import is_plain_column
from .scalars import Scalar

Condition: TypeAlias = ColumnElement[bool]
Anchor: TypeAlias = Sequence[str | None]
"""What of a row's keyset decides how it is sought: of each value its variant, or None for NULL."""

_parameter: Final = cache("_a{}".format)


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A sort key as pages need it.

    Attributes:
        expression: sorted by and compared.
        descending: its direction.
        nulls_first: where its NULLs go.
        nullable: whether it has any.
        carrier: how its values travel.
        is_rowid: SQLite's own key of a table, which it does not compare within a row.
    """

    expression: ColumnElement[Any]
    descending: bool
    nulls_first: bool
    nullable: bool
    carrier: Carrier
    is_rowid: bool = False

    def flipped(self) -> "Key":
        """Return it as it is going backward."""
        return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)


def anchor_of(keys: Sequence[Key], keyset: Sequence[Scalar]) -> tuple[str | None, ...]:
    """Return what of a keyset decides how it is sought."""
    anchor: list[str | None] = []
    for key, value in zip(keys, keyset, strict=True):
        variant = key.carrier.variant
        anchor.append(None if value is None else "" if variant is None else variant(value))
    return tuple(anchor)


def parameters_of(keyset: Sequence[Scalar]) -> dict[str, Any]:
    """Return the values of a keyset by the names that they have in a seek predicate."""
    return {_parameter(n): value for n, value in enumerate(keyset) if value is not None}


def order_of(keys: Iterable[Key], traits: Traits) -> tuple[ColumnElement[Any], ...]:
    """Return the ORDER BY of the keys."""
    return tuple(clause for key in keys for clause in _order_of(key, traits))


def has_default_nulls(key: Key, traits: Traits) -> bool:
    """Tell whether its NULLs, if any, go where the database puts them unasked."""
    return not key.nullable or key.nulls_first == (traits.nulls_largest == key.descending)


def ranges_after(
    keys: Sequence[Key],
    anchor: Anchor | None,
    traits: Traits,
    *,
    inclusive: bool = False,
    united: bool = True,
) -> tuple[Condition, ...]:
    """Return the conditions of the rows after the anchor, one for each range that they make up.

    All rows, without an anchor: a range without condition. Where the database cannot place NULLs
    as asked, each range has them, or none of them, so that its rows are in order by themselves.
    Unless the ranges can be `united`, their conditions are made one.
    """
    ranges = None if anchor is None else _ranges(keys, anchor, traits, inclusive, united)
    splits = [key for key in keys if not traits.places_nulls and not has_default_nulls(key, traits)]
    if not splits or not united:
        if ranges is None:
            return (true(),)
        if traits.unites and united and ranges:
            return ranges
        return (_reaching(any_of(ranges), keys[0], anchor, traits),)
    found: list[Condition] = []
    for nulls in product((True, False), repeat=len(splits)):
        if anchor is not None and _is_behind(keys[0], anchor[0], splits[0], is_null=nulls[0]):
            continue
        tests = [
            key.expression.is_(None) if is_null else key.expression.is_not(None)
            for key, is_null in zip(splits, nulls, strict=True)
        ]
        part = and_(*tests, *(() if ranges is None else (any_of(ranges),)))
        is_of_nulls = splits[0] is keys[0] and nulls[0]
        found.append(_reaching(part, keys[0], None, traits) if is_of_nulls else part)
    return tuple(found)


def _ranges(
    keys: Sequence[Key], anchor: Anchor, traits: Traits, inclusive: bool, united: bool
) -> tuple[Condition, ...]:
    ranges = tuple(_after(_bounds(keys, anchor, traits, is_first=True), traits, inclusive))
    if not united or traits.equality_hides != "first":
        return ranges
    # All rows of the first range may be wanted: there, to sort them costs nothing.
    others = tuple(_after(_bounds(keys, anchor, traits, is_first=False), traits, inclusive))
    return (*ranges[:1], *others[1:])


def _is_behind(first: Key, value: str | None, split: Key, *, is_null: bool) -> bool:
    """Tell whether all rows whose first key is NULL, or those where it is not, lie behind."""
    if split is not first:
        return False
    return is_null == first.nulls_first and (value is None) != first.nulls_first


def _reaching(condition: Condition, first: Key, anchor: Anchor | None, traits: Traits) -> Condition:
    """Return a condition on NULLs of the first key so that an index is read from where they are.

    MariaDB takes `key IS NULL` alone for an equality, reads all its rows and sorts them. With an
    impossible range beside it, the two are ranges, read in the order of the index.
    """
    asks_for_null = anchor is None or anchor[0] is None or not first.nulls_first
    if traits.seeks_nulls or not first.nullable or not asks_for_null:
        return condition
    return or_(condition, first.expression.op("<", is_comparison=True)(null()))


def any_of(conditions: Sequence[Condition]) -> Condition:
    """Return the condition that one of several is fulfilled; the widest range comes first."""
    # Not false(), which some databases cannot write.
    return or_(*reversed(conditions)) if conditions else number(1) == number(0)


def all_of(conditions: Sequence[Condition]) -> Condition:
    """Return the condition that all of several are fulfilled."""
    return and_(*conditions)


def settled(keys: Sequence[Key], traits: Traits) -> tuple[Key, ...]:
    """Return the keys as they are within one range: its NULLs are all or none."""
    if traits.places_nulls:
        return tuple(keys)
    return tuple(
        key if has_default_nulls(key, traits) else replace(key, nullable=False) for key in keys
    )


def inner_order_of(keys: Iterable[Key], traits: Traits) -> tuple[ColumnElement[Any], ...]:
    """Return the ORDER BY of one range of several."""
    return order_of(settled(tuple(keys), traits), traits)


def _order_of(key: Key, traits: Traits) -> Iterator[ColumnElement[Any]]:
    directed = _directed(key)
    if has_default_nulls(key, traits):
        yield directed
    elif traits.places_nulls:
        yield directed.nulls_first() if key.nulls_first else directed.nulls_last()
    else:
        of_null, of_value = map(number, (0, 1) if key.nulls_first else (1, 0))
        yield case((key.expression.is_(None), of_null), else_=of_value)
        yield directed


def _directed(key: Key) -> ColumnElement[Any]:
    return key.expression.desc() if key.descending else key.expression


@dataclass(frozen=True, slots=True, eq=False)
class _Bound:
    """A key, and what to compare it to; None where that is NULL."""

    key: Key
    value: ColumnElement[Any] | None
    is_listed: bool = False

    @property
    def equals(self) -> Condition:
        """The condition of its ties."""
        expression = self.key.expression
        if self.value is None:
            return expression.is_(None)
        # A list of two equal values: the planner then does not take the key for a constant, which
        # would hide from it that an index has the order that is asked for.
        return expression.in_([self.value] * 2) if self.is_listed else expression == self.value


def _bounds(keys: Sequence[Key], anchor: Anchor, traits: Traits, *, is_first: bool) -> list[_Bound]:
    bounds: list[_Bound] = []
    for place, (key, variant) in enumerate(zip(keys, anchor, strict=True)):
        # Fixed names, so that every page has the same text.
        bound = None if variant is None else key.carrier.bind(_parameter(place), variant)
        is_listed = (traits.equality_hides == "first" and place == 0 and not is_first) or (
            traits.equality_hides == "expressions" and not is_plain_column(key.expression)
        )
        bounds.append(_Bound(key, bound, is_listed))
    return bounds


def _after(bounds: list[_Bound], traits: Traits, inclusive: bool) -> Iterator[Condition]:
    if not bounds:
        if inclusive:
            yield true()
        return
    first = bounds[0]
    if first.value is None:
        for rest in _after(bounds[1:], traits, inclusive):
            yield and_(first.equals, rest)
        if first.key.nulls_first:
            yield first.key.expression.is_not(None)
        return
    run = _run_of(bounds, traits)
    is_last = len(run) == len(bounds)
    if not is_last:
        for rest in _after(bounds[len(run) :], traits, inclusive):
            yield and_(*(bound.equals for bound in run), rest)
    yield _beyond(run, inclusive=inclusive and is_last)
    for place, bound in enumerate(run):
        if bound.key.nullable and not bound.key.nulls_first:
            ties = (earlier.equals for earlier in run[:place])
            yield and_(*ties, bound.key.expression.is_(None))


def _run_of(bounds: list[_Bound], traits: Traits) -> list[_Bound]:
    """Return the first bounds as far as they can be compared as one row."""
    run = bounds[:1]
    for bound in bounds[1:]:
        is_alike = bound.key.descending == run[0].key.descending and bound.value is not None
        if not traits.compares_rows or not is_alike or bound.key.is_rowid:
            break
        run.append(bound)
    is_readable = traits.compares_rows == "parts" or len(run) == len(bounds)
    return run if is_readable else run[:1]


def _beyond(run: list[_Bound], *, inclusive: bool) -> Condition:
    values = [bound.value for bound in run]
    expressions = [bound.key.expression for bound in run]
    left: Any = expressions[0] if len(run) == 1 else tuple_(*expressions)
    right: Any = values[0] if len(run) == 1 else tuple_(*values)
    if run[0].key.descending:
        return left <= right if inclusive else left < right  # type: ignore[no-any-return]
    return left >= right if inclusive else left > right  # type: ignore[no-any-return]
