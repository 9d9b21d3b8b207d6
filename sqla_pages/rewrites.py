"""The rewrites of a count: each leaves out something that cannot change how many rows there are."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias, get_args

from sqlalchemy import ColumnElement
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.selectable import ScalarSelect, SelectBase

from . import _sqla
from ._sqla import AnySelect
from .expressions import (
    has_aggregate,
    has_outer_aggregate,
    has_window,
    is_one_row,
    is_one_row_by_order,
    is_one_value,
    is_plain_column,
    is_plain_or_nested,
    parts_of,
)
from .identity import Facts
from .outer_joins import without_outer_joins

CountRewrite: TypeAlias = Literal[
    "order_by", "loading", "distinct", "distinct_keys", "group_by", "columns", "outer_joins"
]
COUNT_REWRITES: Final[Mapping[CountRewrite, str]] = MappingProxyType(
    {
        "order_by": "ORDER BY is dropped, unless ties or an aggregate in it decide the number",
        "loading": "loader options and FOR UPDATE are dropped; loader criteria stay",
        "distinct": "DISTINCT is dropped where what is selected tells the rows apart anyway",
        "distinct_keys": "DISTINCT is of the fewest columns that determine all that is selected",
        "group_by": "groups are selected as 1, without their aggregates",
        "columns": "the select list is dropped, if nothing in it can change the number of rows",
        "outer_joins": "LEFT JOINs are dropped that nothing refers to, and that find one row each "
        "or stand where duplicates do not matter",
    }
)
"""The rewrites of a count, in the order in which they are tried, and what each does."""


def check_rewrites(names: Collection[str]) -> None:
    """Refuse names that are none of a rewrite.

    Raises:
        ValueError: there is no such rewrite.
    """
    if unknown := set(names) - set(COUNT_REWRITES):
        raise ValueError(
            f"no such rewrite of a count: {', '.join(sorted(unknown))}; "
            f"there are {', '.join(COUNT_REWRITES)}"
        )


def _drop_order(rows: AnySelect, _: Facts | None) -> "AnySelect | None":
    order = _sqla.order_by_of(rows)
    if not order or _sqla.has_ties(rows) or is_one_row_by_order(rows):
        return None
    if not all(_is_one_value(_sqla.bare_of(key)) for key in _sqla.flat(order)):
        return None  # A function may return several rows.
    return rows.order_by(None)


def _drop_loading(rows: AnySelect, _: Facts | None) -> "AnySelect | None":
    bare = _sqla.without_loading(rows)
    is_same = len(_sqla.options_of(bare)) == len(_sqla.options_of(rows))
    return None if is_same and not _sqla.is_locking(rows) else bare


def _drop_distinct(rows: AnySelect, _: Facts | None) -> "AnySelect | None":
    if not _sqla.is_distinct(rows) or _sqla.distinct_on_of(rows):
        return None
    every = _sqla.without_distinct(rows)
    facts = Facts(every)
    selected = _selected_in(rows, facts)
    if selected is None or facts.identity is None or not facts.identity.is_certain:
        return None
    return every if facts.covers(selected) else None


def _reduce_distinct(rows: AnySelect, _: Facts | None) -> "AnySelect | None":
    is_distinct = _sqla.is_distinct(rows) and not _sqla.distinct_on_of(rows)
    if not is_distinct or _sqla.order_by_of(rows) or _sqla.group_by_of(rows) or is_one_row(rows):
        return None
    if _sqla.has_extension(rows) or any(map(_sqla.is_text, _sqla.raw_columns_of(rows))):
        return None
    facts = Facts(_sqla.without_distinct(rows))
    selected = _selected_in(rows, facts)
    if selected is None or not all(map(is_plain_or_nested, selected)):
        return None
    kept = list(selected)
    for leaf in facts.leaves:
        own, hashes = set(map(hash, _sqla.columns_of(leaf))), set(map(hash, kept))
        keys = (set(map(hash, key)) for key in _sqla.keys_of(leaf))
        key = next((key for key in keys if key <= hashes), own)
        fewer = [column for column in kept if hash(column) in key or hash(column) not in own]
        if facts.covers(fewer, selected):
            kept = fewer
    if len(kept) == len(_sqla.expressions_of(rows.selected_columns)):
        return None
    return _sqla.with_columns(rows, *kept)


def _reduce_groups(rows: AnySelect, _: Facts | None) -> "AnySelect | None":
    groups = _sqla.group_by_of(rows)
    if not groups or any(map(_sqla.is_textual, groups)) or not _is_list_droppable(rows):
        return None
    if any(_may_name(part) for part in _parts_of_all(_sqla.having_of(rows))):
        return None
    # MariaDB knows of no other columns in HAVING than those selected.
    named = filter(is_plain_column, _parts_of_all(_sqla.having_of(rows), within=False))
    kept = {hash(column): column for column in _sqla.expressions_of(named)}
    return _sqla.with_columns(rows, *kept.values() or (ONE,))


def _drop_columns(rows: AnySelect, _: Facts | None) -> "AnySelect | None":
    is_kept = selects_one(rows) or _sqla.group_by_of(rows) or is_one_row(rows)
    if is_kept or not _is_list_droppable(rows):
        return None
    return _sqla.with_columns(rows, ONE)


def _drop_outer_joins(rows: AnySelect, facts: Facts | None) -> "AnySelect | None":
    groups, having = _sqla.group_by_of(rows), _sqla.having_of(rows)
    used = (*_sqla.raw_columns_of(rows), *_sqla.order_by_of(rows), *groups, *having)
    if _sqla.distinct_on_of(rows):
        return None
    # What comes several times is one row, or group, unless an aggregate or a window counts it.
    is_counted = any(has_aggregate(clause) or has_window(clause) for clause in used)
    is_merged = (_sqla.is_distinct(rows) or bool(groups)) and not is_counted
    fewer = without_outer_joins(rows, used, keeps_duplicates=not is_merged, facts=facts)
    return None if fewer is rows else fewer


_Step: TypeAlias = Callable[[AnySelect, Facts | None], "AnySelect | None"]
STEPS: Final[tuple[tuple[CountRewrite, _Step], ...]] = (
    ("order_by", _drop_order),
    ("loading", _drop_loading),
    ("distinct", _drop_distinct),
    ("distinct_keys", _reduce_distinct),
    ("group_by", _reduce_groups),
    ("columns", _drop_columns),
    ("outer_joins", _drop_outer_joins),
    # Without a join, rows that were several may be one each.
    ("distinct", _drop_distinct),
    ("columns", _drop_columns),
)
# With a name, since SQL Server has no column of a subquery without one.
ONE: Final = _sqla.number(1).label("_one")


def _is_list_droppable(rows: AnySelect) -> bool:
    """Tell whether the select list cannot change how many rows there are."""
    return (
        not _sqla.is_distinct(rows)
        and not _sqla.has_extension(rows)
        and not _sqla.order_by_of(rows)
        and not _sqla.has_loader_options(rows)
        and all(map(is_one_value, _sqla.flat(_sqla.raw_columns_of(rows))))
        and not has_outer_aggregate(rows)
    )


def _may_name(part: ClauseElement) -> bool:
    """Tell whether a part of HAVING may speak of what is selected, in a way that is not seen."""
    return _sqla.is_textual(part) or isinstance(part, SelectBase | ScalarSelect)


def _is_one_value(key: ClauseElement) -> bool:
    # A text without parentheses calls no function.
    return "(" not in str(key) if _sqla.is_textual(key) else is_one_value(key)


def selects_one(rows: AnySelect) -> bool:
    """Tell whether it selects the number one for each row."""
    return all(column is ONE for column in _sqla.raw_columns_of(rows))


def is_plain_rows(rows: AnySelect) -> bool:
    """Tell whether it has a row for each of its tables' rows."""
    return (
        not _sqla.is_limited(rows)
        and not _sqla.is_locking(rows)
        and not _sqla.is_distinct(rows)
        and not _sqla.group_by_of(rows)
        and not _sqla.having_of(rows)
    )


def _selected_in(rows: AnySelect, facts: Facts) -> "tuple[ColumnElement[Any], ...] | None":
    """Return what is selected, of each entity its key; None where the key is not all of it."""
    found: list[ColumnElement[Any]] = []
    for selected in _sqla.flat(_sqla.raw_columns_of(rows)):
        keys = _sqla.entity_keys_of(selected)
        if keys and not facts.covers(keys, _sqla.columns_of(selected)):
            return None
        found += keys or _sqla.expressions_of([_sqla.bare_of(selected)])
        if not keys and not isinstance(selected, ColumnElement):
            return None
    return tuple(found)


def _parts_of_all(
    clauses: tuple[ClauseElement, ...], *, within: bool = True
) -> list[ClauseElement]:
    """Return what clauses are made of; unless `within`, without what aggregates are of."""
    return [part for clause in clauses for part in parts_of(clause, within_aggregates=within)]


assert set(get_args(CountRewrite)) == set(COUNT_REWRITES)  # noqa: S101
