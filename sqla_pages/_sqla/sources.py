"""Entities, and the tables and subqueries that are selected from."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Table,
    UniqueConstraint,
)
from sqlalchemy.orm import (
    Bundle,
    Composite,
    Mapper,
)
from sqlalchemy.sql.elements import (
    ClauseElement,
    ClauseList,
    _anonymous_label,
)
from sqlalchemy.sql.selectable import (
    Alias,
    FromClause,
    FromGrouping,
    Join,
)


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


def joins_of(sources: Iterable[FromClause]) -> Iterator[Join]:
    """Yield the joins among these sources."""
    for source in sources:
        if isinstance(source, Join):
            yield source
            yield from joins_of((source.left, source.right))
        elif isinstance(source, FromGrouping):
            yield from joins_of((source.element,))


def is_of_alias(clause: ClauseElement) -> bool:
    """Tell whether it is of an aliased class, or of one loaded `with_polymorphic()`."""
    entity = clause._annotations.get("parententity")
    return entity is not None and not isinstance(entity, Mapper)


def is_anonymous_alias(source: FromClause) -> bool:
    """Tell whether it is an alias of a table that was given no name."""
    return isinstance(source, Alias) and isinstance(source.name, _anonymous_label)


def leaves_of(sources: Iterable[FromClause]) -> Iterator[FromClause]:
    """Yield the tables and subqueries, those of joins one by one."""
    for source in sources:
        if isinstance(source, Join):
            yield from leaves_of((source.left, source.right))
        elif isinstance(source, FromGrouping):
            yield from leaves_of((source.element,))
        else:
            yield source


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
