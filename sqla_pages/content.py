"""What tells the rows of a statement apart where nothing proves them unique: their content.

Rows that agree on all that is selected are interchangeable: whichever comes first, the pages hold
the same. So an order is the same on every page as soon as its keys determine what is selected.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, TextClause, literal_column, select
from sqlalchemy.sql.elements import ClauseElement, ColumnClause
from sqlalchemy.types import JSON

from . import _sqla
from ._sqla import AnyCompound, AnySelect, Statement
from .bytewise import bytewise, is_collated
from .errors import OrderingNotTotalError
from .expressions import columns_in, is_aggregate, is_plain, is_plain_or_nested, is_source
from .ordering import sort_keys_of


def ordered_of(statement: Statement) -> Statement:
    """Return the statement with keys added to its ORDER BY, so that it is the same on every page.

    Raises:
        OrderingNotTotalError: no such keys are to be found.
    """
    if isinstance(statement, Select):
        return statement.order_by(*tie_breaker_of(statement))
    known = _Determined(expressions_of(statement))
    unknown = [
        (number, sortable(column))
        for number, column in enumerate(statement.selected_columns, start=1)
        if not known.has(column)
    ]
    if _sqla.keeps_duplicates(statement) and any(is_collated(column) for _, column in unknown):
        return _wrapped(statement)
    # By number, since names may be ambiguous or missing. A column of a UNION holds values of
    # several tables: there, a key determines only itself.
    numbers: list[ColumnElement[Any]] = [literal_column(str(number)) for number, _ in unknown]
    return statement.order_by(*numbers)


def expressions_of(statement: Statement) -> Iterator[ClauseElement]:
    """Yield what the statement sorts by, as far as that is more than a text."""
    for key in sort_keys_of(statement):
        if not _sqla.is_text(key.expression):
            yield key.expression


def _wrapped(statement: AnyCompound) -> AnySelect:
    """Return a UNION ALL as a subquery, since it can itself be ordered by no expression."""
    rows = statement.order_by(None).limit(None).offset(None).subquery()
    outer: AnySelect = select(*rows.c).execution_options(**statement.get_execution_options())
    order = (_sqla.of_subquery(clause, rows) for clause in _sqla.order_by_of(statement))
    ordered = outer.order_by(*order)
    known = _Determined(expressions_of(ordered))
    added = (key for column in _sqla.columns_of(rows) for key in bytes_of(column))
    ordered = ordered.order_by(*(key for key in added if not known.has(key)))
    return _sqla.limited_like(ordered, statement)


def tie_breaker_of(statement: AnySelect) -> tuple[ColumnElement[Any], ...]:
    """Return the keys that determine what is selected, beyond what the statement sorts by.

    Raises:
        OrderingNotTotalError: no such keys are to be found.
    """
    known = _Determined(expressions_of(statement))
    # DISTINCT ON wants each of its expressions in front, whether it is determined or not.
    added = [key for key in _sqla.distinct_on_of(statement) if not known.has(key)]
    for key in added:
        known.add(key)
    for key in _primary_first(_content_of(statement)):
        if not known.determines(key):
            known.add(sortable(key))
            added.append(key)
    return tuple(added)


class _Determined:
    """The columns that sort keys determine: a key of a table determines the whole table."""

    def __init__(self, keys: Iterable[ClauseElement]) -> None:
        self._keys: set[int] = set()
        for key in keys:
            self.add(key)

    def add(self, key: ClauseElement) -> None:
        # SQLAlchemy hashes a column and its annotated copies, as an entity has them, alike.
        self._keys.add(hash(_sqla.bare_of(key)))

    def has(self, key: ClauseElement) -> bool:
        return hash(_sqla.bare_of(key)) in self._keys

    def determines(self, key: ClauseElement) -> bool:
        if self.has(key):
            return True
        if isinstance(key, bytewise):  # of a table without a key
            return False
        if isinstance(column := _sqla.bare_of(key), ColumnClause) and column.table is not None:
            return any(all(map(self.has, columns)) for columns in _sqla.keys_of(column.table))
        return is_plain(key) and all(self.determines(column) for column, _ in columns_in(key))


def _content_of(statement: AnySelect) -> Iterable[ColumnElement[Any]]:
    """Return expressions, good for ORDER BY, that determine what is selected."""
    if is_aggregate(statement):
        return ()
    if _sqla.is_distinct(statement) and not _sqla.distinct_on_of(statement):
        return _selected_of(statement)
    if groups := _sqla.group_by_of(statement):
        return _groups_of(statement, groups)
    return _plain_content_of(statement)


def _selected_of(statement: AnySelect) -> Iterator[ColumnElement[Any]]:
    """Yield what is selected, of each entity its primary key, to sort by that alone."""
    for selected in _sqla.flat(_sqla.raw_columns_of(statement)):
        if keys := _sqla.entity_keys_of(selected):
            yield from keys
        elif is_source(selected):
            yield from _sqla.columns_of(selected)
        elif isinstance(selected, TextClause):
            raise OrderingNotTotalError(
                "a column given as text() cannot be sorted by: use literal_column()"
            )
        elif isinstance(selected, ColumnElement):
            yield selected


def _plain_content_of(statement: AnySelect) -> Iterator[ColumnElement[Any]]:
    """Yield the primary keys of the tables that the selected columns come from."""
    for selected in _selected_of(statement):
        if is_plain(selected):
            for column, table in columns_in(selected):
                yield from next(_sqla.keys_of(table), None) or bytes_of(column)
        else:
            yield from _keys_of_all(statement, selected) or (selected,)


def bytes_of(column: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
    """Return what sorts different values of a column apart."""
    return (column, bytewise(column)) if is_collated(column) else (column,)


def _keys_of_all(
    statement: AnySelect, selected: ColumnElement[Any]
) -> tuple[ColumnElement[Any], ...]:
    """Return the primary keys of all tables, which determine any window or subquery.

    Nothing if there is anything else in the expression, such as a function that may be an aggregate
    or return several rows, or a table without a key.
    """
    if not is_plain_or_nested(selected):
        return ()
    sources = _sqla.leaves_of(_sqla.froms_of(statement))
    keys = [next(_sqla.keys_of(source), ()) for source in sources]
    return tuple(column for key in keys for column in key) if all(keys) else ()


def _groups_of(
    statement: AnySelect, groups: tuple[ClauseElement, ...]
) -> Iterable[ColumnElement[Any]]:
    """Return the expressions that were grouped by, or what is selected where one is a text."""
    selected = {column.key: column for column in statement.selected_columns}
    resolved = [selected.get(_sqla.label_name_of(group) or "", group) for group in groups]
    if all(is_plain(group) for group in resolved):
        return _sqla.expressions_of(resolved)
    return _selected_of(statement)


def _primary_first(keys: Iterable[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """Return the keys with those first that may determine the others."""
    return sorted(keys, key=lambda key: not getattr(_sqla.bare_of(key), "primary_key", False))


def sortable(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the column, if it can be put in order at all.

    Raises:
        OrderingNotTotalError: it is a JSON value.
    """
    if isinstance(column.type, JSON) and column.type.__visit_name__ != "JSONB":
        raise OrderingNotTotalError(
            "rows that may differ only in a JSON value cannot be put in order: "
            "select the primary key too, or order by unique columns"
        )
    return column
