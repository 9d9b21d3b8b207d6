"""What can be told of an expression by looking at it: its parts, and whether it is an aggregate."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import ColumnElement, Table
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    Case,
    Cast,
    ClauseElement,
    ClauseList,
    CollationClause,
    ColumnClause,
    ExpressionClauseList,
    Extract,
    False_,
    FunctionFilter,
    Grouping,
    Label,
    Null,
    Over,
    True_,
    TypeCoerce,
    UnaryExpression,
    WithinGroup,
)
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import FromClause, ScalarSelect, SelectBase

from . import _sqla
from ._sqla import AnySelect

_AGGREGATES: Final = frozenset(
    "any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop "
    "covar_samp every group_concat regr_avgx regr_avgy regr_count regr_intercept regr_r2 "
    "regr_slope regr_sxx regr_sxy regr_syy "
    "grouping json_agg json_arrayagg json_group_array json_group_object json_object_agg "
    "json_objectagg jsonb_agg jsonb_object_agg listagg max median min range_agg std stddev "
    "stddev_pop stddev_samp string_agg sum total var_pop var_samp variance xmlagg".split()
)

# Functions known to give one value for one row, the same for the same arguments.
_SCALAR_FUNCTIONS: Final = frozenset(
    "abs acos array_length ascii asin atan atan2 bit_length cardinality cbrt ceil ceiling "
    "char_length character_length coalesce concat concat_ws cos current_date current_time "
    "current_timestamp date date_part date_trunc degrees exp extract field floor greatest hex if "
    "ifnull iif initcap instr json_array_length json_extract json_extract_path_text json_unquote "
    "json_value jsonb_array_length jsonb_extract_path_text least left length levenshtein ln "
    "localtime localtimestamp log log10 log2 lower lpad ltrim md5 mod now nullif nvl octet_length "
    "plainto_tsquery position power radians regexp_replace repeat replace reverse right round "
    "rpad rtrim sha1 sha256 sign similarity sin soundex split_part sqrt strftime strpos substr "
    "substring tan to_char to_date to_number to_timestamp to_tsquery to_tsvector translate trim "
    "trunc truncate ts_rank ts_rank_cd typeof unicode upper websearch_to_tsquery "
    "width_bucket word_similarity".split()
)

_RANKS: Final = frozenset(
    "cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank "
    "row_number".split()
)

_PLAIN_PARTS: Final = (
    BinaryExpression,
    BindParameter,
    Case,
    Cast,
    ClauseList,
    CollationClause,
    ExpressionClauseList,
    Extract,
    False_,
    Grouping,
    Label,
    Null,
    True_,
    TypeCoerce,
    UnaryExpression,
)


def is_shared(expression: ClauseElement) -> bool:
    """Tell whether statements built alike have the very same expression: no values, only tables."""
    return not any(
        isinstance(part, BindParameter | SelectBase | ScalarSelect)
        or _sqla.is_of_alias(part)
        or (isinstance(part, FromClause) and not isinstance(part, Table | FunctionElement))
        or (isinstance(part, ColumnClause) and not isinstance(part.table, Table | None))
        for part in _sqla.parts_within(expression)
    )


def selects_shared(statement: AnySelect) -> bool:
    """Tell whether it selects nothing but entities and columns that statements built alike share.

    Of a row, a column is found by itself too: that of an alias is another in each statement, and so
    is one of no table, as `literal_column()` makes.
    """
    return all(
        is_shared(selected) and (is_plain_column(selected) or isinstance(selected, Table))
        for selected in _sqla.raw_columns_of(statement)
    )


def is_aggregate(statement: AnySelect) -> bool:
    """Tell whether it is an aggregate without GROUP BY: at most one row."""
    clauses = (*_sqla.raw_columns_of(statement), *_sqla.having_of(statement))
    return not _sqla.group_by_of(statement) and any(map(has_aggregate, clauses))


def is_one_row(statement: AnySelect) -> bool:
    """Tell whether it has at most one row, for an aggregate or HAVING anywhere in it."""
    if _sqla.group_by_of(statement):
        return False
    order = _sqla.order_by_of(statement)
    return (
        is_aggregate(statement)
        or bool(_sqla.having_of(statement))
        or any(map(has_aggregate, order))
    )


def is_one_row_by_order(statement: AnySelect) -> bool:
    """Tell whether an aggregate in its ORDER BY alone makes one row of all."""
    order = _sqla.order_by_of(statement)
    is_grouped = bool(_sqla.group_by_of(statement)) or is_aggregate(statement)
    return not is_grouped and any(map(has_aggregate, order))


def has_aggregate(clause: ClauseElement) -> bool:
    """Tell whether an aggregate is in it, other than in a subquery."""
    return any(map(_is_aggregate_part, parts_of(clause)))


def _is_aggregate_part(part: ClauseElement) -> bool:
    if _sqla.windowed_by(part) is not None:
        # The window's own function is none, but what it is of may be.
        return any(map(has_aggregate, _sqla.windowed_parts_of(part)))
    if isinstance(part, WithinGroup | FunctionFilter):
        return True
    return is_aggregate_function(part)


def is_aggregate_function(part: ClauseElement) -> bool:
    """Tell whether it is a call of an aggregate that is known."""
    name = _sqla.function_name_of(part)
    # SQLite's max() and min() of several arguments are of one row.
    is_of_one = name in ("max", "min") and _sqla.number_of_arguments(part) > 1
    return name in _AGGREGATES and not is_of_one


def has_outer_aggregate(statement: AnySelect) -> bool:
    """Tell whether a subquery has an aggregate of the rows around it, which makes them one row.

    As `select(select(func.max(User.id)).select_from(Note).correlate(User).scalar_subquery())` does.
    """
    aggregates = [
        part
        for selected in _sqla.raw_columns_of(statement)
        for nested in parts_of(selected)
        if isinstance(nested, SelectBase | ScalarSelect)
        for part in _sqla.parts_within(nested)  # pyright: ignore[reportUnknownArgumentType]
        if is_aggregate_function(part)
    ]
    if not aggregates:
        return False
    around = {hash(leaf) for leaf in _sqla.leaves_of(_sqla.froms_of(statement))}
    tables = ({hash(table) for _, table in columns_in(part)} for part in aggregates)
    return any(own and own <= around for own in tables)


def has_window(clause: ClauseElement) -> bool:
    """Tell whether a window function is in it, other than in a subquery."""
    return any(isinstance(part, Over) for part in parts_of(clause))


def parts_of(clause: ClauseElement, *, within_aggregates: bool = True) -> Iterator[ClauseElement]:
    """Yield the clause and what it is made of, but not the inside of windows and subqueries."""
    if is_source(clause):
        return
    yield clause
    if isinstance(clause, SelectBase | Over):
        return
    if not within_aggregates and _is_aggregate_part(clause):
        return
    for child in clause.get_children():
        yield from parts_of(child, within_aggregates=within_aggregates)


def is_source(clause: ClauseElement) -> bool:
    """Tell whether it is a table or subquery; SQLAlchemy's functions are of that class too."""
    return isinstance(clause, FromClause) and not isinstance(clause, ColumnElement)


def is_plain(clause: ClauseElement) -> bool:
    """Tell whether its value follows from its columns: no aggregate, window or subquery in it."""
    return all(map(_is_plain_part, parts_of(clause)))


def is_plain_column(clause: ClauseElement) -> bool:
    """Tell whether it is a column of a table or subquery, and nothing else."""
    return isinstance(clause, ColumnClause) and clause.table is not None


def is_plain_or_nested(clause: ClauseElement) -> bool:
    """Tell whether all parts outside of its windows and subqueries are plain."""
    return all(
        isinstance(part, Over | ScalarSelect | SelectBase) or _is_plain_part(part)
        for part in parts_of(clause)
    )


def is_one_value(clause: ClauseElement) -> bool:
    """Tell whether it is one value for one row or group: nothing in it may return several rows."""
    return all(
        isinstance(part, Over | ScalarSelect | SelectBase | FunctionFilter | WithinGroup)
        or _is_plain_part(part)
        or _is_aggregate_part(part)
        for part in parts_of(clause, within_aggregates=False)
    )


def columns_in(clause: ClauseElement) -> Iterator[tuple[ColumnElement[Any], FromClause]]:
    """Yield the columns of a clause, each with its table."""
    for part in parts_of(clause):
        if isinstance(part, ColumnClause) and part.table is not None:
            yield part, part.table


def _is_plain_part(part: ClauseElement) -> bool:
    return (
        isinstance(part, _PLAIN_PARTS)
        or is_plain_column(part)
        or (_is_known_function(part) and _sqla.function_name_of(part) in _SCALAR_FUNCTIONS)
    )


def _is_known_function(part: ClauseElement) -> bool:
    """Tell whether it is a function of the database, and none of a schema's or a user's own."""
    is_own = not type(part).__module__.startswith("sqlalchemy.")
    is_qualified = bool(getattr(part, "packagenames", ()))
    return isinstance(part, FunctionElement) and not is_own and not is_qualified


def has_unknown_function(clause: ClauseElement) -> bool:
    """Tell whether a function is in it, or in a subquery in it, that is not known to be stable."""
    known = _SCALAR_FUNCTIONS | _AGGREGATES | _RANKS
    names = [
        _sqla.function_name_of(part) if _is_known_function(part) else None
        for part in _sqla.parts_within(clause)
        if _sqla.function_name_of(part) is not None
    ]
    return not known.issuperset(names)
