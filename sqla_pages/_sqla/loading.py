"""How a statement loads its entities, as its compilation decides."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    select,
)
from sqlalchemy.engine.default import StrCompileDialect
from sqlalchemy.orm import (
    FromStatement,
    Mapper,
)
from sqlalchemy.sql.selectable import (
    FromClause,
    Join,
)

from .elements import AnySelect, number
from .sources import leaves_of
from .statements import froms_of, raw_columns_of, without_loading


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


def _mappers_of(statement: AnySelect) -> Iterator[Mapper[Any]]:
    for selected in raw_columns_of(statement):
        entity = selected._annotations.get("parententity")
        if isinstance(selected, FromClause) and entity is not None:
            yield entity.mapper
