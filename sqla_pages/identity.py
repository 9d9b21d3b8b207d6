"""What makes a row of a statement unique, as far as its content can tell.

Rows that agree on all that is selected are interchangeable: whichever comes first, the pages hold
the same. So an order is the same on every page as soon as its keys determine what is selected.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, TextClause, literal_column, select
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    Case,
    Cast,
    ClauseElement,
    ClauseList,
    ColumnClause,
    False_,
    Grouping,
    Label,
    Null,
    Over,
    True_,
    TypeCoerce,
    UnaryExpression,
)
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import FromClause, ScalarSelect, SelectBase
from sqlalchemy.types import JSON

from . import _sqla
from ._sqla import AnyCompound, AnySelect, Statement
from .bytewise import bytewise, is_collated
from .errors import OrderingNotTotalError
from .ordering import sort_keys_of

_AGGREGATES: Final = frozenset(
    "any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or count every group_concat "
    "grouping json_agg json_arrayagg json_group_array json_group_object json_object_agg "
    "json_objectagg jsonb_agg jsonb_object_agg listagg max median min range_agg std stddev "
    "stddev_pop stddev_samp string_agg sum total var_pop var_samp variance xmlagg".split()
)

# Functions known to give one value for one row, the same for the same arguments.
SCALAR_FUNCTIONS: Final = frozenset(
    "abs ceil ceiling char_length coalesce concat concat_ws current_date current_time "
    "current_timestamp date date_part date_trunc exp extract floor greatest hex ifnull instr "
    "json_extract least left length localtime localtimestamp log lower lpad ltrim md5 mod now "
    "nullif power replace right round rpad rtrim sign sqrt strftime substr substring "
    "to_char to_date to_timestamp trim typeof upper".split()
)

_PLAIN_PARTS: Final = (
    BinaryExpression,
    BindParameter,
    Case,
    Cast,
    ClauseList,
    False_,
    Grouping,
    Label,
    Null,
    True_,
    TypeCoerce,
    UnaryExpression,
)


def ordered_of(statement: Statement) -> Statement:
    """Return the statement with keys added to its ORDER BY, so that it is the same on every page.

    Raises:
        OrderingNotTotalError: no such keys are to be found.
    """
    if isinstance(statement, Select):
        return statement.order_by(*_tie_breaker_of(statement))
    known = _Determined(sort_keys_of(statement))
    unknown = [
        (number, _sortable(column))
        for number, column in enumerate(statement.selected_columns, start=1)
        if not known.has(column)
    ]
    if _sqla.keeps_duplicates(statement) and any(is_collated(column) for _, column in unknown):
        return _wrapped(statement)
    # By number, since names may be ambiguous or missing. A column of a UNION holds values of
    # several tables: there, a key determines only itself.
    numbers: list[ColumnElement[Any]] = [literal_column(str(number)) for number, _ in unknown]
    return statement.order_by(*numbers)


def _wrapped(statement: AnyCompound) -> AnySelect:
    """Return a UNION ALL as a subquery, since it can itself be ordered by no expression."""
    rows = statement.order_by(None).limit(None).offset(None).subquery()
    outer: AnySelect = select(*rows.c).execution_options(**statement.get_execution_options())
    order = (_sqla.of_subquery(clause, rows) for clause in _sqla.order_by_of(statement))
    ordered = outer.order_by(*order)
    known = _Determined(sort_keys_of(ordered))
    added = (key for column in _sqla.columns_of(rows) for key in _bytes_of(column))
    return ordered.order_by(*(key for key in added if not known.has(key)))


def _tie_breaker_of(statement: AnySelect) -> tuple[ColumnElement[Any], ...]:
    known = _Determined(sort_keys_of(statement))
    # DISTINCT ON wants each of its expressions in front, whether it is determined or not.
    added = [key for key in _sqla.distinct_on_of(statement) if not known.has(key)]
    for key in added:
        known.add(key)
    for key in _primary_first(_content_of(statement)):
        if not known.determines(key):
            known.add(_sortable(key))
            added.append(key)
    return tuple(added)


def is_aggregate(statement: AnySelect) -> bool:
    """Tell whether it is an aggregate without GROUP BY: at most one row."""
    clauses = (*_sqla.raw_columns_of(statement), *_sqla.having_of(statement))
    return not _sqla.group_by_of(statement) and any(
        isinstance(part, FunctionElement) and part.name.lower() in _AGGREGATES
        for clause in clauses
        for part in parts_of(clause)
    )


def parts_of(clause: ClauseElement) -> Iterator[ClauseElement]:
    """Yield the clause and what it is made of, but not the inside of windows and subqueries."""
    if is_source(clause):
        return
    yield clause
    if isinstance(clause, SelectBase | Over):
        return
    for child in clause.get_children():
        yield from parts_of(child)


def is_source(clause: ClauseElement) -> bool:
    """Tell whether it is a table or subquery; SQLAlchemy's functions are of that class too."""
    return isinstance(clause, FromClause) and not isinstance(clause, ColumnElement)


def is_plain(clause: ClauseElement) -> bool:
    """Tell whether its value follows from its columns: no aggregate, window or subquery in it."""
    return all(map(_is_plain_part, parts_of(clause)))


def _is_plain_part(part: ClauseElement) -> bool:
    return (
        isinstance(part, _PLAIN_PARTS)
        or (isinstance(part, ColumnClause) and part.table is not None)
        or (isinstance(part, FunctionElement) and part.name.lower() in SCALAR_FUNCTIONS)
    )


def _columns_of(clause: ClauseElement) -> Iterator[tuple[ColumnElement[Any], FromClause]]:
    """Yield the columns of a clause, each with its table."""
    for part in parts_of(clause):
        if isinstance(part, ColumnClause) and part.table is not None:
            yield part, part.table


def are_determined(clauses: Iterable[ClauseElement], keys: Iterable[ClauseElement]) -> bool:
    """Tell whether the keys determine the values of all the clauses."""
    return all(map(_Determined(keys).determines, clauses))


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
        return is_plain(key) and all(self.determines(column) for column, _ in _columns_of(key))


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
            for column, table in _columns_of(selected):
                yield from next(_sqla.keys_of(table), None) or _bytes_of(column)
        else:
            yield from _keys_of_all(statement, selected) or (selected,)


def _bytes_of(column: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
    """Return what sorts different values of a column apart."""
    return (column, bytewise(column)) if is_collated(column) else (column,)


def _keys_of_all(
    statement: AnySelect, selected: ColumnElement[Any]
) -> tuple[ColumnElement[Any], ...]:
    """Return the primary keys of all tables, which determine any window or subquery.

    Nothing if there is anything else in the expression, such as a function that may be an aggregate
    or return several rows, or a table without a key.
    """
    for part in parts_of(selected):
        if not isinstance(part, Over | ScalarSelect | SelectBase) and not _is_plain_part(part):
            return ()
    keys = [next(_sqla.keys_of(source), ()) for source in _sqla.sources_of(statement)]
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


def _sortable(column: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, JSON) and column.type.__visit_name__ != "JSONB":
        raise OrderingNotTotalError(
            "rows that may differ only in a JSON value cannot be put in order: "
            "select the primary key too, or order by unique columns"
        )
    return column
