"""What the FROM list and the filters of a statement say of its columns.

Read are the conditions that every row fulfils: those of WHERE and of inner joins, taken apart at
their ANDs. What an outer join asks for says something of its right side alone.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Final, TypeAlias

from sqlalchemy import Boolean, ColumnElement, String
from sqlalchemy.exc import NoReferenceError
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import (
    ClauseElement,
    False_,
    Null,
    True_,
)
from sqlalchemy.sql.selectable import FromClause, FromGrouping, Join

from . import _sqla
from ._sqla import AnySelect
from .closure import EXACT_TYPES
from .expressions import columns_in, is_plain, is_plain_column

# Not true where a side of theirs is NULL.
_STRICT: Final[frozenset[Any]] = frozenset(
    {operators.eq, operators.ne, operators.lt, operators.le, operators.gt, operators.ge}
    | {operators.like_op, operators.in_op, operators.between_op}
)

Column: TypeAlias = ColumnElement[Any]
Equality: TypeAlias = tuple[Column | None, Column | None]
"""Two columns; None in place of one that is a constant."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A table or subquery; `is_outer` where an outer join may have found no row of it."""

    source: FromClause
    is_outer: bool


@dataclass(frozen=True, slots=True)
class Lookup:
    """An outer join: which columns of its right side it looks for, and by what of its left side.

    `found` are hashes of the columns that equal something of the left, or a constant; `others` the
    columns of the left in the condition.
    """

    leaves: tuple[FromClause, ...]
    found: frozenset[int]
    others: tuple[Column, ...]


@dataclass(slots=True)
class Relations:
    """The sources and leaves of a statement, and what holds of their columns in every row.

    `unnamed` are leaves that nothing in the statement can speak of.
    """

    sources: tuple[FromClause, ...]
    leaves: list[Leaf] = field(default_factory=list[Leaf])
    equal: list[tuple[Column, Column]] = field(default_factory=list[tuple[Column, Column]])
    constant: list[Column] = field(default_factory=list[Column])
    not_null: list[Column] = field(default_factory=list[Column])
    lookups: list[Lookup] = field(default_factory=list[Lookup])
    unnamed: list[FromClause] = field(default_factory=list[FromClause])
    has_full_join: bool = False


def relations_of(statement: AnySelect) -> Relations:
    """Return what the statement's joins and filters say."""
    found = Relations(_sqla.froms_of(statement))
    for source in found.sources:
        _read_from(source, found, is_outer=False)
    if any(_sqla.is_anonymous_alias(leaf.source) for leaf in found.leaves):
        # SQLAlchemy makes an alias of a secondary table anew whenever it compiles the statement.
        again = {hash(leaf) for leaf in _sqla.leaves_of(_sqla.froms_of(statement))}
        found.unnamed += [leaf.source for leaf in found.leaves if hash(leaf.source) not in again]
    if statement.whereclause is not None:
        _read_condition(statement.whereclause, found, is_outer=False)
    return found


def _read_from(source: FromClause, found: Relations, *, is_outer: bool) -> None:
    if isinstance(source, FromGrouping):
        _read_from(source.element, found, is_outer=is_outer)
    elif not isinstance(source, Join):
        found.leaves.append(Leaf(source, is_outer))
    else:
        found.has_full_join = found.has_full_join or source.full
        _read_from(source.left, found, is_outer=is_outer or source.full)
        first = len(found.leaves)
        _read_from(source.right, found, is_outer=is_outer or source.isouter or source.full)
        if source.onclause is None or source.full:
            return
        if source.isouter:
            right = tuple(leaf.source for leaf in found.leaves[first:])
            if is_plain(source.onclause) and not is_outer:
                found.lookups.append(_lookup_of(source.onclause, right))
        else:
            _read_condition(source.onclause, found, is_outer=is_outer)


def _read_condition(condition: ClauseElement, found: Relations, *, is_outer: bool) -> None:
    # On the outer side of a join, what is equal is equal also where both are NULL; but nothing is
    # constant there.
    for conjunct in _sqla.conjuncts_of(condition):
        pair = _equality_of(conjunct)
        if pair is not None:
            left, right = pair
            if right is not None and left is not None:
                found.equal.append((left, right))
            elif not is_outer:
                found.constant += [column for column in pair if column is not None]
        if not is_outer:
            found.not_null += _not_null_of(conjunct)


def _equality_of(conjunct: ClauseElement) -> Equality | None:
    """Return the two columns that the condition makes equal."""
    (column,) = _columns_among(conjunct) or (None,)
    if column is not None:
        return (column, None) if isinstance(column.type, Boolean) else None
    if (comparison := _sqla.comparison_of(conjunct)) is None:
        return None
    operator, left, right = comparison
    sides = _columns_among(left, right)
    if operator is operators.is_:
        # Of a number, IS TRUE says no more than that it is not zero.
        is_truth = bool(sides) and isinstance(sides[0].type, Boolean)
        is_constant = isinstance(right, Null) or (is_truth and isinstance(right, True_ | False_))
        return (sides[0], None) if is_constant and sides else None
    if operator is not operators.eq:
        return None
    match sides:
        case [one, other]:
            return (one, other) if _are_comparable(one, other) else None
        case [one]:
            # By the column's own collation, as its keys are.
            return (one, None) if _is_value_of(one, right if one is left else left) else None
        case _:
            return None


def _is_value_of(column: Column, clause: ClauseElement) -> bool:
    """Tell whether it is a value that only equal values of the column equal."""
    kind = _sqla.kind_of_value(clause)
    # Compared to a number, texts are numbers.
    return issubclass(kind, str) if isinstance(column.type, String) else kind is not NoneType


def _columns_among(*clauses: ClauseElement) -> list[Column]:
    return _sqla.expressions_of(filter(is_plain_column, clauses))


def _are_comparable(left: Column, right: Column) -> bool:
    """Tell whether the columns, when equal, are equal in every other comparison too."""
    if any(isinstance(left.type, exact) and isinstance(right.type, exact) for exact in EXACT_TYPES):
        return True
    # A foreign key has the collation of what it refers to; of other texts one cannot know.
    both = isinstance(left.type, String) and isinstance(right.type, String)
    return both and (_refers(left, right) or _refers(right, left))


def _refers(one: Column, other: Column) -> bool:
    with suppress(NoReferenceError):
        return any(key.column in other.base_columns for key in one.foreign_keys)
    return False


def _not_null_of(conjunct: ClauseElement) -> list[Column]:
    if (comparison := _sqla.comparison_of(conjunct)) is None:
        return _columns_among(conjunct)
    operator, left, right = comparison
    is_filled = operator is operators.is_not and isinstance(right, Null)
    # Of no values at all, any comparison holds for ALL.
    is_strict = operator in _STRICT and not any(map(_sqla.is_collection, (left, right)))
    return _columns_among(left, right) if is_filled or is_strict else []


def _lookup_of(condition: ClauseElement, right: tuple[FromClause, ...]) -> Lookup:
    found: list[Column] = []
    for conjunct in _sqla.conjuncts_of(condition):
        one, other = _equality_of(conjunct) or (None, None)
        of_right = [c for c in (one, other) if c is not None and _sqla.source_of(c) in right]
        found += of_right if len(of_right) == 1 else []
    others = tuple(column for column, source in columns_in(condition) if source not in right)
    return Lookup(right, frozenset(map(hash, found)), others)
