"""What a Select was built from, and copies of it that differ in one thing."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Executable,
    Select,
)
from sqlalchemy.orm import (
    FromStatement,
    LoaderCriteriaOption,
    Mapper,
)
from sqlalchemy.orm.interfaces import LoaderOption
from sqlalchemy.sql.base import ExecutableOption
from sqlalchemy.sql.elements import (
    BindParameter,
    ClauseElement,
    Label,
)
from sqlalchemy.sql.selectable import (
    AliasedReturnsRows,
    FromClause,
    Join,
    SelectBase,
)

from .elements import AnyCompound, AnySelect, Statement, _flat, flat, number
from .sources import entity_keys_of, joins_of, leaves_of

AnyStatement = TypeVar("AnyStatement", bound=Statement)

_NOT_NUMBER: Final = "its LIMIT or OFFSET is an expression"


def copy_of(statement: AnyStatement) -> AnyStatement:
    """Return another statement that is the same."""
    return cast("AnyStatement", statement._generate())


def raw_columns_of(statement: "AnySelect | FromStatement[Any]") -> tuple[ClauseElement, ...]:
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


def is_locking(statement: AnySelect) -> bool:
    """Tell whether it is a SELECT FOR UPDATE."""
    return statement._for_update_arg is not None


def is_limited(statement: Statement) -> bool:
    """Tell whether it has a LIMIT, OFFSET or FETCH of its own."""
    return any(
        clause is not None
        for clause in (statement._limit_clause, statement._offset_clause, statement._fetch_clause)
    )


def has_offset(statement: Statement) -> bool:
    """Tell whether it has an OFFSET of its own."""
    return statement._offset_clause is not None


def has_fetch_options(statement: Statement) -> bool:
    """Tell whether its FETCH has WITH TIES or PERCENT."""
    return any((statement._fetch_clause_options or {}).values())


def limited_like(statement: AnySelect, limited: Statement) -> AnySelect:
    """Return the statement with the LIMIT and OFFSET of another one."""
    limit, offset = limited._limit_clause, limited._offset_clause
    statement = statement if limit is None else statement.limit(limit)
    if limited._fetch_clause is not None:
        statement = statement.fetch(limited._fetch_clause, **(limited._fetch_clause_options or {}))
    return statement if offset is None else statement.offset(offset)


def has_ties(statement: Statement) -> bool:
    """Tell whether its FETCH is WITH TIES."""
    return bool((statement._fetch_clause_options or {}).get("with_ties"))


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


def without_loading(statement: AnySelect) -> AnySelect:
    """Return it without loader options and FOR UPDATE; loader criteria, which filter, stay."""
    bare = statement.order_by()
    bare._with_options = criteria_of(statement)
    bare._for_update_arg = None
    return bare


def rows_alone(statement: AnySelect, *columns: ColumnElement[Any]) -> AnySelect:
    """Return it with another select list, without order, loading, locks and DISTINCT."""
    bare = without_loading(statement)
    bare._order_by_clauses = ()
    bare._distinct, bare._distinct_on = False, ()
    return with_columns(bare, *columns)


def with_columns(statement: AnySelect, *columns: ColumnElement[Any]) -> AnySelect:
    """Return it with another select list, from the same tables; loader options are dropped.

    SQLAlchemy by itself would put the other options where neither a subquery's outer statement nor
    an event finds them.
    """
    options = criteria_of(statement)
    bare = statement.order_by()
    bare._with_options = ()
    if bare._from_obj and (bare._setup_joins or bare._memoized_select_entities):
        # What is joined, or selected from already, is not selected from by itself as well.
        joins = joins_of(_core_froms_of(bare))
        known = {hash(leaf) for join in joins for leaf in leaves_of((join.right,))}
        known.update(map(hash, leaves_of(bare._from_obj)))
        kept = [one for one in bare.columns_clause_froms if hash(one) not in known]
        bare = bare.select_from(*kept).with_only_columns(*columns)
    else:
        bare = bare.with_only_columns(*columns, maintain_column_froms=True)
    return bare.options(*options) if options else bare


def _core_froms_of(statement: AnySelect) -> Sequence[FromClause]:
    """Return the FROM list of a statement, of whose entities nothing is loaded but their keys."""
    selected: list[Any] = []
    for one in raw_columns_of(statement):
        selected += entity_keys_of(one) or [one]
    bare = without_loading(statement.order_by(None))
    bare._group_by_clauses, bare._having_criteria = (), ()
    return bare.with_only_columns(*selected).get_final_froms()


def without_each_outer_join(statement: AnySelect) -> Iterator[AnySelect]:
    """Yield the statement without one of its LEFT JOINs, for each of them, the last one first.

    Nothing is said of whether the rest still stands without it.
    """
    for fewer in _without_each_setup(statement._setup_joins):
        copy: Any = statement.order_by()
        copy._setup_joins = fewer
        yield copy
    # What was joined before the select list was replaced.
    for place, memoized in enumerate(statement._memoized_select_entities):
        for fewer in _without_each_setup(memoized._setup_joins):
            copy, changed = statement.order_by(), memoized._clone()
            changed._setup_joins = fewer
            copy._memoized_select_entities = tuple(
                changed if n == place else one
                for n, one in enumerate(statement._memoized_select_entities)
            )
            yield copy
    for place, source in enumerate(statement._from_obj):
        for rest in _without_each_outer_join(source):
            copy = statement.order_by()
            copy._from_obj = tuple(
                rest if n == place else one for n, one in enumerate(statement._from_obj)
            )
            yield copy


def _without_each_setup(joins: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for place in reversed(range(len(joins))):
        *_, flags = joins[place]
        if flags["isouter"] and not flags["full"]:
            yield tuple(joined for n, joined in enumerate(joins) if n != place)


def _without_each_outer_join(source: FromClause) -> Iterator[FromClause]:
    if not isinstance(source, Join):
        return
    if source.isouter and not source.full:
        yield source.left
    for left in _without_each_outer_join(source.left):
        yield Join(left, source.right, source.onclause, isouter=source.isouter, full=source.full)


def has_joined_entities(statement: AnySelect) -> bool:
    """Tell whether entities are joined by a join() in select_from().

    To them, SQLAlchemy applies loader criteria, also those that an event adds, and the criteria of
    single table inheritance, only where they are selected from too: with another select list, the
    rows may be others.
    """
    return bool(_joined_mappers_of(statement))


def has_joined_criteria(statement: AnySelect) -> bool:
    """Tell whether it is known that such entities have criteria."""
    is_filtered = any(isinstance(one, LoaderCriteriaOption) for one in statement._with_options)
    return any(is_filtered or mapper.single for mapper in _joined_mappers_of(statement))


def _joined_mappers_of(statement: AnySelect) -> list[Mapper[Any]]:
    leaves = leaves_of(source for source in statement._from_obj if isinstance(source, Join))
    entities = [leaf._annotations.get("parententity") for leaf in leaves]
    return [entity.mapper for entity in entities if entity is not None]


def without_source(statement: AnySelect, leaf: FromClause) -> AnySelect:
    """Return it without a table that it was told to select from by itself."""
    copy = statement.order_by()
    copy._from_obj = tuple(one for one in statement._from_obj if hash(one) != hash(leaf))
    return copy


def froms_of(statement: AnySelect) -> tuple[FromClause, ...]:
    """Return its FROM list, without the joins that load eagerly."""
    bare = without_loading(statement.order_by(None))
    bare._group_by_clauses, bare._having_criteria = (), ()
    bare = with_columns(bare, number(1))
    return tuple(bare.get_final_froms())


def selected_by(source: FromClause) -> "Statement | SelectBase | None":
    """Return the statement within a subquery, CTE or alias of one; None for a table."""
    element: Any = source
    while isinstance(element, AliasedReturnsRows):
        element = element.element
    return element if isinstance(element, SelectBase) else None


def select_within(source: FromClause) -> "AnySelect | None":
    """Return the SELECT within a subquery, CTE or alias of one."""
    element = selected_by(source)
    return element if isinstance(element, Select) else None


def compound_within(source: FromClause) -> "AnyCompound | None":
    """Return the UNION, INTERSECT or EXCEPT within a subquery, CTE or alias of one."""
    element = selected_by(source)
    return element if isinstance(element, CompoundSelect) else None


def loaded_from(outer: "FromStatement[Any]", statement: Executable) -> "FromStatement[Any]":
    """Return what loads its entities from a statement as another one that does so."""
    copy: Any = outer._clone()
    copy.element = statement
    return cast("FromStatement[Any]", copy)


def has_loader_options(statement: AnySelect) -> bool:
    """Tell whether an option of it says how to load."""
    return any(isinstance(option, LoaderOption) for option in statement._with_options)


def options_of(statement: "Statement | FromStatement[Any]") -> tuple[ExecutableOption, ...]:
    """Return its options: loader options, loader criteria and others."""
    return tuple(statement._with_options)


def labels_of(statement: AnySelect) -> tuple[str, ...]:
    """Return the labels that were given to what is selected."""
    found = (selected for selected in flat(raw_columns_of(statement)))
    return tuple(selected.name for selected in found if isinstance(selected, Label))


def keeps_duplicates(statement: AnyCompound) -> bool:
    """Tell whether it is a UNION ALL, INTERSECT ALL or EXCEPT ALL."""
    return str(statement.keyword.value).endswith("ALL")


def criteria_of(statement: "Statement | FromStatement[Any]") -> tuple[ExecutableOption, ...]:
    """Return its options that are none of loading: loader criteria, which filter, and others."""
    return tuple(o for o in statement._with_options if not isinstance(o, LoaderOption))


def without_distinct(statement: AnySelect) -> AnySelect:
    """Return it without its DISTINCT."""
    copy = statement.order_by()
    copy._distinct, copy._distinct_on = False, ()
    return copy


def _number(clause: ColumnElement[Any] | None) -> int | None:
    if clause is None:
        return None
    if isinstance(clause, BindParameter) and isinstance(clause.value, int):
        return clause.value
    raise ValueError(_NOT_NUMBER)
