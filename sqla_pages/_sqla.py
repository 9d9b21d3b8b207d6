"""The only reader of SQLAlchemy's private attributes.

SQLAlchemy has no public accessor for most of what a Select was built from. What is read here exists
in 2.0 and 2.1; `_check_attributes` runs at import, so that a release without one of them fails at
once and by name, not on some page.
"""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias, cast

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    Dialect,
    Engine,
    Executable,
    Integer,
    Interval,
    Result,
    Select,
    Table,
    UniqueConstraint,
    literal_column,
    select,
    union,
)
from sqlalchemy.engine.default import StrCompileDialect
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import (
    Bundle,
    Composite,
    FromStatement,
    Mapper,
    Session,
)
from sqlalchemy.orm.interfaces import LoaderOption
from sqlalchemy.sql import operators
from sqlalchemy.sql.base import ExecutableOption
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    ClauseElement,
    ClauseList,
    CollectionAggregate,
    ColumnClause,
    FunctionFilter,
    Grouping,
    Label,
    Over,
    TextClause,
    UnaryExpression,
    WithinGroup,
    _anonymous_label,
    _label_reference,
    _textual_label_reference,
)
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import (
    Alias,
    AliasedReturnsRows,
    FromClause,
    FromGrouping,
    Join,
    SelectBase,
    Subquery,
)
from sqlalchemy.sql.visitors import iterate, replacement_traverse
from sqlalchemy.types import TypeDecorator, TypeEngine

# Variadic on 2.1, of one parameter on 2.0.
AnySelect: TypeAlias = "Select[*tuple[Any, ...]]"
AnyCompound: TypeAlias = "CompoundSelect[*tuple[Any, ...]]"
Statement: TypeAlias = "AnySelect | AnyCompound"

# https://mariadb.com/kb/en/mariadb-error-code-reference: ER_INVALID_CHARACTER_STRING
_INVALID_STRING: Final = 1300
_NOT_NUMBER: Final = "its LIMIT or OFFSET is an expression"


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
    if primary := tuple(table.primary_key.columns):
        yield tuple(source.c[column.key] for column in primary)
    groups = [
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
    bare._with_options = criteria_of(statement)
    bare._for_update_arg = None
    return bare


def with_columns(statement: AnySelect, *columns: ColumnElement[Any]) -> AnySelect:
    """Return it with another select list, from the same tables; loader options are dropped.

    SQLAlchemy by itself would put the other options where neither a subquery's outer statement nor
    an event finds them.
    """
    options = criteria_of(statement)
    bare = statement.order_by()
    bare._with_options = ()
    bare = bare.with_only_columns(*columns, maintain_column_froms=True)
    return bare.options(*options) if options else bare


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


def joins_of(sources: Iterable[FromClause]) -> Iterator[Join]:
    """Yield the joins among these sources."""
    for source in sources:
        if isinstance(source, Join):
            yield source
            yield from joins_of((source.left, source.right))
        elif isinstance(source, FromGrouping):
            yield from joins_of((source.element,))


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


@dataclass(frozen=True, slots=True)
class Loading:
    """How a statement loads what belongs to its entities within its own rows.

    `by_joins`: joins are added for it. `repeats`: it loads a collection, so that `unique()` is
    demanded of the result. `filters`: the conditions that those of its joins amount to that are no
    outer joins (`innerjoin=True`). `from_joins`: the statement's own joins are loaded from
    (`contains_eager`). `by_subqueries`: it is run once more as a subquery. `chosen`: options say
    which columns are loaded. `computed`: some attributes are expressions.
    """

    by_joins: bool = False
    repeats: bool = False
    filters: tuple[ColumnElement[bool], ...] = ()
    from_joins: bool = False
    by_subqueries: bool = False
    chosen: bool = False
    computed: bool = False


def loading_of(statement: "AnySelect | FromStatement[Any]") -> Loading:
    """Return how the statement loads what belongs to its entities."""
    elements = [
        element for option in statement._with_options for element in getattr(option, "context", ())
    ]
    if isinstance(statement, FromStatement):
        from_joins = any("eager_from_alias" in element.local_opts for element in elements)
        return Loading(from_joins=from_joins)
    if statement._propagate_attrs.get("compile_state_plugin") != "orm":
        return Loading()
    mappers = tuple(_mappers_of(statement))
    loading = Loading(
        from_joins=any("eager_from_alias" in element.local_opts for element in elements),
        by_subqueries=any(("lazy", "subquery") in (element.strategy or ()) for element in elements)
        or any(
            relationship.lazy == "subquery"
            for mapper in mappers
            for relationship in mapper.relationships
        ),
        chosen=any(
            name in ("deferred", "query_expression")
            for element in elements
            for name, _ in element.strategy or ()
        ),
        computed=any(
            not isinstance(expression, Column)
            for mapper in mappers
            for attribute in mapper.column_attrs
            for expression in attribute.columns
        ),
    )
    if not elements and not any(map(_joins_by_itself, mappers)):
        return loading
    plain = statement.order_by(None)
    state: Any = plain._compile_state_factory(plain, _compiler())
    filters = (_filter_of(join, statement) for join in state.eager_joins.values())
    return replace(
        loading,
        by_joins=bool(state.eager_joins),
        repeats=bool(state.multi_row_eager_loaders),
        filters=tuple(condition for condition in filters if condition is not None),
    )


def _joins_by_itself(mapper: Mapper[Any]) -> bool:
    """Tell whether a relationship of the entity, or of one derived from it, is loaded by a join."""
    return any(
        relationship.lazy in ("joined", False)
        for derived in mapper.self_and_descendants
        for relationship in derived.relationships
    )


def _filter_of(join: FromClause, statement: AnySelect) -> ColumnElement[bool] | None:
    """Return what eager joins ask of a row, those among them that are no outer joins."""
    own = tuple(leaves_of(froms_of(statement)))
    hashes = frozenset(map(hash, own))
    asked: list[Join] = []
    while isinstance(join, Join) and hashes.isdisjoint(map(hash, leaves_of((join.right,)))):
        asked += [] if join.isouter else [join]
        join = join.left
    if not asked:
        return None
    conditions = [one.onclause for one in asked if one.onclause is not None]
    found = select(number(1)).select_from(*(one.right for one in asked)).where(*conditions)
    return found.correlate(*own).exists()


def result_names_of(statement: AnySelect) -> tuple[str, ...]:
    """Return the names that what was selected has in a row; nothing for a Core statement."""
    if statement._propagate_attrs.get("compile_state_plugin") != "orm":
        return ()
    plain = without_loading(statement.order_by(None))
    plain._group_by_clauses, plain._having_criteria = (), ()
    state: Any = plain._compile_state_factory(plain, _compiler())
    return tuple(entity._label_name for entity in state._entities)


def _compiler() -> Any:
    dialect = StrCompileDialect()
    return dialect.statement_compiler(dialect, None)


def is_anonymous(column: ColumnElement[Any]) -> bool:
    """Tell whether a column of a subquery has no name of its own."""
    return isinstance(column.key, _anonymous_label)


def rendered_by(statement: AnySelect) -> frozenset[str]:
    """Return the names of the columns that a statement really has as a subquery.

    An alias of an entity also exports its deferred expressions, which are not rendered.
    """
    compiler: Any = _compiler()
    if statement._propagate_attrs.get("compile_state_plugin") != "orm":
        return frozenset(statement.subquery().c.keys())
    plain = statement.order_by(None)
    nested = {"correlate_froms": set[Any](), "asfrom_froms": set[Any](), "selectable": plain}
    compiler.stack.append(nested)
    state: Any = plain._compile_state_factory(plain, compiler)
    return frozenset(state.statement.subquery().c.keys())


def leaves_of(sources: Iterable[FromClause]) -> Iterator[FromClause]:
    """Yield the tables and subqueries, those of joins one by one."""
    for source in sources:
        if isinstance(source, Join):
            yield from leaves_of((source.left, source.right))
        elif isinstance(source, FromGrouping):
            yield from leaves_of((source.element,))
        else:
            yield source


def _mappers_of(statement: AnySelect) -> Iterator[Mapper[Any]]:
    for selected in raw_columns_of(statement):
        entity = selected._annotations.get("parententity")
        if isinstance(selected, FromClause) and entity is not None:
            yield entity.mapper


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


def comparison_of(clause: ClauseElement) -> tuple[Any, ClauseElement, ClauseElement] | None:
    """Return the operator and the two sides of a condition that has two."""
    if not isinstance(clause, BinaryExpression):
        return None
    return clause.operator, clause.left, clause.right


def value_of(clause: ClauseElement) -> object:
    """Return the value of a bind parameter; None of anything else, or without one."""
    return clause.effective_value if isinstance(clause, BindParameter) else None


def conjuncts_of(condition: ClauseElement) -> Iterator[ClauseElement]:
    """Yield the conditions that all have to hold for one to hold."""
    if isinstance(condition, Grouping):
        yield from conjuncts_of(condition.element)  # type: ignore[arg-type]
    elif isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for clause in condition.clauses:
            yield from conjuncts_of(clause)
    else:
        yield condition


def source_of(column: ClauseElement) -> FromClause | None:
    """Return the table or subquery that a column is of."""
    return column.table if isinstance(column, ColumnClause) else None


def source_name_of(source: FromClause) -> str:
    """Return what to call a table or subquery in a message."""
    name = getattr(source, "name", None)
    return "a subquery" if name is None or isinstance(name, _anonymous_label) else str(name)


def ordinal_of(clause: ClauseElement) -> int | None:
    """Return the number in an ORDER BY or GROUP BY that counts the columns."""
    bare = bare_of(clause)
    literal_text = getattr(bare, "name", "") if getattr(bare, "is_literal", False) else ""
    text = bare.text if isinstance(bare, TextClause) else str(literal_text)
    return int(text) if text.isdecimal() else None


def windowed_by(clause: ClauseElement) -> ClauseElement | None:
    """Return the function of a window."""
    over: Any = clause
    return over.element if isinstance(clause, Over) else None


def function_name_of(clause: ClauseElement) -> str | None:
    """Return the name of a function, in lower case; None of anything else."""
    return str(clause.name).lower() if isinstance(clause, FunctionElement) else None


def number_of_arguments(function: ClauseElement) -> int:
    """Return how many arguments a function has."""
    return len(tuple(getattr(function, "clauses", ())))


def is_collection(clause: ClauseElement) -> bool:
    """Tell whether it is ANY or ALL of something."""
    return isinstance(clause, CollectionAggregate)


def windowed_parts_of(clause: ClauseElement) -> Iterator[ClauseElement]:
    """Yield what a window is made of: the arguments of its function, and what it is over."""
    over: Any = clause
    for part in (over.partition_by, over.order_by):
        if part is not None:
            yield part
    function = over.element
    while isinstance(function, FunctionFilter | WithinGroup):
        function = function.element
    yield from getattr(function, "clauses", ())


def row_number_partition_of(clause: ClauseElement) -> tuple[ClauseElement, ...] | None:
    """Return what row_number() is partitioned by; None if it is something else."""
    windowed = windowed_by(clause)
    if windowed is None or getattr(windowed, "name", "") != "row_number":
        return None
    partition = cast("Any", clause).partition_by
    return () if partition is None else tuple(flat((partition,)))


def columns_within(clause: ClauseElement) -> Iterator[ColumnClause[Any]]:
    """Yield all columns in a clause, those in its subqueries too."""
    for part in iterate(clause):
        if isinstance(part, ColumnClause):
            column: ColumnClause[Any] = part
            yield column


def text_of(clause: ClauseElement) -> tuple[str, list[str]]:
    """Return the text of a clause, the same in every process, and the values of its parameters."""
    compiled = clause.compile(dialect=StrCompileDialect())
    return str(compiled), [repr(value) for value in (compiled.params or {}).values()]


def bind_of(
    session: Session | Connection, statement: "Statement | FromStatement[Any]"
) -> Engine | Connection:
    """Return what the session would run the statement on."""
    if isinstance(session, Connection):
        return session
    subject = statement._propagate_attrs.get("plugin_subject")
    return session.get_bind(mapper=subject.mapper if subject else None, clause=statement)


def is_fault_of_values(error: Exception) -> bool:
    """Tell whether a database or driver refused the values of parameters.

    These are the SQL states of class 22, data exception, and 42883 and 42804, no operator for such
    types; drivers that refuse a value themselves give none.
    """
    if not isinstance(error, DBAPIError):
        return isinstance(error, ValueError | OverflowError)
    if getattr(error.orig, "args", ())[:1] == (_INVALID_STRING,):
        return True
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    if state is None:
        cause = error.orig.__cause__ if error.orig is not None else None
        return isinstance(error, DataError) or isinstance(cause, ValueError)
    return str(state).startswith("22") or state in ("42883", "42804")


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


def entity_of(selected: ClauseElement) -> Any:
    """Return the class or alias that a selected entity is of."""
    return selected._annotations["parententity"].entity


def bundle_like(selected: ClauseElement, columns: Sequence[ColumnElement[Any]]) -> Any:
    """Return these columns as the bundle or composite that the selected one is; None if neither."""
    bundle: Any = selected._annotations.get("bundle")
    if isinstance(bundle, Composite.CompositeBundle):
        return type(cast("Any", bundle))(cast("Any", bundle).property, ClauseList(*columns))
    if isinstance(bundle, Bundle):
        single: bool = cast("Any", bundle).single_entity
        return type(cast("Any", bundle))(cast("Any", bundle).name, *columns, single_entity=single)
    return None


def is_bundle(selected: ClauseElement) -> bool:
    """Tell whether what was selected is a bundle or composite."""
    return "bundle" in selected._annotations


def labels_of(statement: AnySelect) -> tuple[str, ...]:
    """Return the labels that were given to what is selected."""
    found = (selected for selected in flat(raw_columns_of(statement)))
    return tuple(selected.name for selected in found if isinstance(selected, Label))


def number(value: int) -> ColumnElement[int]:
    """Return a number as it is, not as a parameter."""
    return literal_column(str(value), Integer())


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


def criteria_of(statement: "Statement | FromStatement[Any]") -> tuple[ExecutableOption, ...]:
    """Return its options that are none of loading: loader criteria, which filter, and others."""
    return tuple(o for o in statement._with_options if not isinstance(o, LoaderOption))


def label_name_of(clause: ClauseElement) -> str | None:
    """Return the name in an ORDER BY or GROUP BY that is written as a string."""
    return str(clause.element) if isinstance(clause, _textual_label_reference) else None


def is_unique_demanded(result: Result[Any]) -> bool:
    """Tell whether a collection was loaded eagerly by a join, so that entities come repeatedly."""
    return result._unique_filter_state is not None


def direction_of(clause: ClauseElement) -> tuple[bool, bool | None]:
    """Return whether a sort key descends, and whether its NULLs come first; None if not said."""
    descending, nulls_first = False, None
    while isinstance(clause, Grouping | _label_reference | UnaryExpression):
        modifier = getattr(clause, "modifier", None)
        if isinstance(clause, UnaryExpression) and modifier is None:
            break
        descending = descending or modifier is operators.desc_op
        if modifier in (operators.nulls_first_op, operators.nulls_last_op):
            nulls_first = modifier is operators.nulls_first_op
        clause = cast("ClauseElement", clause.element)
    return descending, nulls_first


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


def is_text(clause: ClauseElement) -> bool:
    """Tell whether nothing but its text is known of a sort key."""
    return isinstance(clause, TextClause | _textual_label_reference)


def is_relationship(clause: ClauseElement) -> bool:
    """Tell whether a sort key was written as a relationship."""
    annotations: Mapping[str, Any] = clause._annotations
    owner, name = annotations.get("proxy_owner"), str(annotations.get("proxy_key"))
    return isinstance(owner, Mapper) and name in owner.relationships


def without_distinct(statement: AnySelect) -> AnySelect:
    """Return it without its DISTINCT."""
    copy = statement.order_by()
    copy._distinct, copy._distinct_on = False, ()
    return copy


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


def stored_type_of(type_: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    """Return the type that the database knows of, below variants and decorators."""
    while True:
        type_ = type_._variant_mapping.get(dialect.name, type_)
        if not isinstance(type_, TypeDecorator) or isinstance(type_, Interval):
            return type_
        type_ = type_.load_dialect_impl(dialect)


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
    only_select += (
        " suffixes annotations propagate_attrs compile_state_factory setup_joins from_obj"
    )
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
