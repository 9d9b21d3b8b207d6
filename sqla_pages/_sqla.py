"""The only reader of SQLAlchemy's private attributes.

SQLAlchemy has no public accessor for most of what a Select was built from. What is read here exists
in 2.0 and 2.1; `_check_attributes` runs at import, so that a release without one of them fails at
once and by name, not on some page.
"""

# pyright: reportPrivateUsage=false

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias, cast

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Result,
    Select,
    Table,
    UniqueConstraint,
    literal,
    select,
    union,
)
from sqlalchemy.orm import LoaderCriteriaOption, Mapper
from sqlalchemy.sql.elements import (
    BindParameter,
    ClauseElement,
    ClauseList,
    Grouping,
    Label,
    TextClause,
    UnaryExpression,
    _label_reference,
    _textual_label_reference,
)
from sqlalchemy.sql.selectable import Alias, FromClause, Join, Subquery
from sqlalchemy.sql.visitors import replacement_traverse

# Variadic on 2.1, of one parameter on 2.0.
AnySelect: TypeAlias = "Select[*tuple[Any, ...]]"
AnyCompound: TypeAlias = "CompoundSelect[*tuple[Any, ...]]"
Statement: TypeAlias = "AnySelect | AnyCompound"

_NOT_NUMBER: Final = "its LIMIT or OFFSET is an expression"


def raw_columns_of(statement: AnySelect) -> tuple[ClauseElement, ...]:
    """Return what was selected: entities as their tables, bundles and expressions as they are."""
    return tuple(statement._raw_columns)


def order_by_of(statement: Statement) -> tuple[ColumnElement[Any], ...]:
    """Return the clauses of ORDER BY."""
    return tuple(statement._order_by_clauses)


def group_by_of(statement: AnySelect) -> tuple[ClauseElement, ...]:
    """Return the clauses of GROUP BY, those of an entity one by one."""
    return tuple(_flat(statement._group_by_clauses))


def having_of(statement: AnySelect) -> tuple[ClauseElement, ...]:
    """Return the conditions of HAVING."""
    return tuple(statement._having_criteria)


def is_distinct(statement: AnySelect) -> bool:
    """Tell whether it is a SELECT DISTINCT, or DISTINCT ON."""
    return bool(statement._distinct) or bool(distinct_on_of(statement))


def distinct_on_of(statement: AnySelect) -> tuple[ColumnElement[Any], ...]:
    """Return the expressions of DISTINCT ON; 2.1 keeps them in an extension of its own."""
    extension = getattr(statement, "_pre_columns_clause", None)
    return tuple(statement._distinct_on) or tuple(getattr(extension, "_distinct_on", ()))


def has_extension(statement: AnySelect) -> bool:
    """Tell whether prefixes, suffixes or a syntax extension add something unknown to the text."""
    extensions = ("_pre_columns_clause", "_post_select_clause", "_post_criteria_clause")
    return bool(statement._prefixes or statement._suffixes) or any(
        getattr(statement, name, None) is not None for name in (*extensions, "_post_body_clause")
    )


def is_limited(statement: Statement) -> bool:
    """Tell whether it has a LIMIT, OFFSET or FETCH of its own."""
    return any(
        clause is not None
        for clause in (statement._limit_clause, statement._offset_clause, statement._fetch_clause)
    )


def has_fetch_options(statement: Statement) -> bool:
    """Tell whether its FETCH has WITH TIES or PERCENT."""
    return any((statement._fetch_clause_options or {}).values())


def limit_of(statement: Statement) -> int | None:
    """Return its LIMIT or FETCH; None without one.

    Raises:
        ValueError: it is not a number.
    """
    clause = statement._limit_clause
    return _number(statement._fetch_clause if clause is None else clause)


def offset_of(statement: Statement) -> int:
    """Return its OFFSET.

    Raises:
        ValueError: it is not a number.
    """
    return _number(statement._offset_clause) or 0


def entity_keys_of(selected: ClauseElement) -> tuple[ColumnElement[Any], ...]:
    """Return the primary key of a selected entity, in terms of its table or alias."""
    entity = selected._annotations.get("parententity")
    if not isinstance(selected, FromClause) or entity is None:
        return ()
    mapper: Mapper[Any] = entity.mapper
    if entity is mapper:
        return tuple(mapper.primary_key)
    columns = (entity.selectable.corresponding_column(column) for column in mapper.primary_key)
    return tuple(column for column in columns if column is not None)


def keys_of(source: FromClause) -> Iterator[tuple[ColumnElement[Any], ...]]:
    """Yield the sets of columns that tell the rows of a table, or its alias, apart.

    The primary key comes first. Left out are those that some rows escape: on a nullable column,
    partial, on an expression, or deferrable.
    """
    table: Any = source
    while isinstance(table, Alias):
        table = cast("Any", table).element
    if not isinstance(table, Table):
        return
    groups = [tuple(table.primary_key.columns)]
    groups += [
        tuple(constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint) and not constraint.deferrable
    ]
    groups += [
        tuple(index.columns)
        for index in table.indexes
        if index.unique
        and len(index.expressions) == len(index.columns)
        and not any(name.endswith("_where") for name in index.dialect_kwargs)
    ]
    for group in groups:
        if group and not any(column.nullable for column in group):
            yield tuple(source.c[column.key] for column in group)


def without_loading(statement: AnySelect) -> AnySelect:
    """Return it without loader options and FOR UPDATE; loader criteria, which filter, stay."""
    bare = statement.order_by()
    bare._with_options = tuple(
        option for option in statement._with_options if isinstance(option, LoaderCriteriaOption)
    )
    bare._for_update_arg = None
    return bare


def sources_of(statement: AnySelect) -> tuple[FromClause, ...]:
    """Return the tables and subqueries that it selects from, those of joins one by one."""
    bare = without_loading(statement.order_by(None)).with_only_columns(
        literal(1), maintain_column_froms=True
    )
    return tuple(leaf for source in bare.get_final_froms() for leaf in _leaves_of(source))


def _leaves_of(source: FromClause) -> Iterator[FromClause]:
    if isinstance(source, Join):
        yield from _leaves_of(source.left)
        yield from _leaves_of(source.right)
    else:
        yield source


def keeps_duplicates(statement: AnyCompound) -> bool:
    """Tell whether it is a UNION ALL, INTERSECT ALL or EXCEPT ALL."""
    return str(statement.keyword.value).endswith("ALL")


def of_subquery(clause: ColumnElement[Any], subquery: Subquery) -> ColumnElement[Any]:
    """Return a sort key of a statement in terms of the statement as a subquery."""

    def replaced(element: Any, **_: Any) -> Any:
        is_column = cast("ClauseElement", element).__visit_name__ == "column"
        return subquery.corresponding_column(element) if is_column else None

    adapted: ColumnElement[Any] = replacement_traverse(clause, {}, replaced)
    return adapted


def criteria_of(statement: Statement) -> tuple[LoaderCriteriaOption, ...]:
    """Return its loader criteria, the options that filter rows."""
    return tuple(o for o in statement._with_options if isinstance(o, LoaderCriteriaOption))


def label_name_of(clause: ClauseElement) -> str | None:
    """Return the name in an ORDER BY or GROUP BY that is written as a string."""
    return str(clause.element) if isinstance(clause, _textual_label_reference) else None


def is_unique_demanded(result: Result[Any]) -> bool:
    """Tell whether a collection was loaded eagerly by a join, so that entities come repeatedly."""
    return result._unique_filter_state is not None


def bare_of(clause: ClauseElement) -> ClauseElement:
    """Return a sort key without its direction, its placement of NULLs and its label."""
    while (
        isinstance(clause, Label | Grouping | _label_reference)
        or (isinstance(clause, UnaryExpression) and clause.modifier is not None)
    ):  # fmt: skip
        clause = cast("ClauseElement", clause.element)
    return clause  # pyright: ignore[reportUnknownVariableType]


def columns_of(source: ClauseElement) -> tuple[ColumnElement[Any], ...]:
    """Return the columns of a table or subquery."""
    return tuple(cast("FromClause[Any]", source).c)


def expressions_of(clauses: Iterable[ClauseElement]) -> list[ColumnElement[Any]]:
    """Return those of the clauses that can be sorted by."""
    return [clause for clause in clauses if isinstance(clause, ColumnElement)]


def is_textual(clause: ClauseElement) -> bool:
    """Tell whether a sort key is written as a text, a name or an ordinal."""
    bare = bare_of(clause)
    return isinstance(bare, TextClause | _textual_label_reference) or bool(
        getattr(bare, "is_literal", False)
    )


def flat(clauses: tuple[ClauseElement, ...]) -> Iterator[ClauseElement]:
    """Yield the clauses, those of bundles and tuples one by one."""
    return _flat(clauses)


def _flat(clauses: tuple[Any, ...]) -> Iterator[ClauseElement]:
    for clause in clauses:
        if isinstance(clause, ClauseList):
            yield from _flat(tuple(clause.clauses))
        else:
            yield clause


def _number(clause: ColumnElement[Any] | None) -> int | None:
    if clause is None:
        return None
    if isinstance(clause, BindParameter) and isinstance(clause.value, int):
        return clause.value
    raise ValueError(_NOT_NUMBER)


def _check_attributes() -> None:
    common = "order_by_clauses limit_clause offset_clause fetch_clause fetch_clause_options"
    common += " for_update_arg with_options"
    only_select = "raw_columns group_by_clauses having_criteria distinct distinct_on prefixes"
    only_select += " suffixes annotations"
    one: AnySelect = select(1)
    needed = {
        one: f"{common} {only_select}",
        union(one, one): common,
        Result: "unique_filter_state",
    }
    missing = [
        f"_{name}"
        for owner, names in needed.items()
        for name in names.split()
        if not hasattr(owner, f"_{name}")
    ]
    if missing:
        raise ImportError(f"this release of SQLAlchemy lacks {', '.join(missing)}")


_check_attributes()
