"""Hypothesis strategies for loader options, and what they promise to be loaded."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import inspect
from sqlalchemy.orm import (
    contains_eager,
    defer,
    joinedload,
    load_only,
    selectinload,
    subqueryload,
    with_loader_criteria,
)

from .schemas import DrawFn, Schema
from .sources import Member, Source, conditions

EAGER = [joinedload, selectinload, subqueryload]


@dataclass(frozen=True)
class Loaded:
    """What is loaded of an entity: relationships by name, and what is loaded of theirs in turn.

    `columns` are those that can be told to be loaded or not, and `deferred` those that are not.
    Which attributes of an entity are loaded depends on the other rows of a page, where these may
    lead to it too; then only what is promised can be told.
    """

    relationships: dict[str, "Loaded"] = field(default_factory=dict)
    deferred: frozenset[str] = frozenset()
    is_reached_twice: bool = False


@dataclass(frozen=True, eq=False)
class Loading:
    """Loader options, and what comes of them."""

    options: tuple[Any, ...] = ()
    loaded: Loaded = field(default_factory=Loaded)
    joins_collection: bool = False
    has_criteria: bool = False


@st.composite
def loadings(draw: DrawFn, schema: Schema, source: Source, member: Member) -> Loading:
    """Options for a member that is an entity: some relationships, some columns."""
    assert member.entity is not None
    relationships: dict[str, Loaded] = {}
    options: list[Any] = []
    classes = [other.entity for other in source.members if other.entity is not None]
    joins_collection = False
    for step in source.steps:
        chosen = _relationship_joined(step.on, member)
        if chosen is not None and chosen.key not in relationships and draw(st.booleans()):
            options.append(contains_eager(step.on.of_type(step.right.source)))
            relationships[chosen.key] = Loaded()
            joins_collection |= chosen.uselist
    for _ in range(draw(st.integers(0, 2))):
        left = list(inspect(member.entity).relationships)
        if not left:
            break
        chosen = draw(st.sampled_from(left))
        if chosen.key in relationships:
            continue
        option = draw(st.sampled_from(EAGER))(getattr(member.source, chosen.key))
        target = chosen.mapper.class_
        classes.append(target)
        further: dict[str, Loaded] = {}
        beyond = list(inspect(target).relationships)
        if beyond and draw(st.integers(0, 2)) == 2:
            next_ = draw(st.sampled_from(beyond))
            eager = draw(st.sampled_from([option.joinedload, option.selectinload]))
            option = eager(getattr(target, next_.key))
            further[next_.key] = Loaded()
            classes.append(next_.mapper.class_)
        options.append(option)
        relationships[chosen.key] = Loaded(further)
    names = [name for name in inspect(member.entity).column_attrs.keys()]  # noqa: C416, SIM118
    own = {column.key for column in inspect(member.entity).primary_key}
    others = [name for name in names if name not in own]
    deferred: set[str] = set()
    if others and draw(st.integers(0, 3)) == 3:
        name = draw(st.sampled_from(others))
        if draw(st.booleans()):
            options.append(defer(getattr(member.source, name)))
            deferred = {name}
        else:
            options.append(load_only(getattr(member.source, name)))
            deferred = {*others} - {name}
    has_criteria = draw(st.integers(0, 4)) == 4
    if has_criteria:
        options.append(draw(_criteria(schema)))
    is_twice = len({*classes}) < len(classes)
    loaded = Loaded(relationships, frozenset(deferred), is_twice)
    return Loading(tuple(options), loaded, joins_collection, has_criteria)


@st.composite
def _criteria(draw: DrawFn, schema: Schema) -> Any:
    entity = draw(st.sampled_from(schema.classes))
    columns = [getattr(entity, name) for name in inspect(entity).column_attrs.keys()]  # noqa: SIM118
    return with_loader_criteria(
        entity, draw(conditions(columns, schema)), include_aliases=draw(st.booleans())
    )


def _relationship_joined(on: Any, member: Member) -> Any:
    """Return the relationship of a member that a join is made by, if it is."""
    chosen = getattr(on, "property", None)
    if chosen is None or getattr(on, "parent", None) is not inspect(member.source):
        return None
    return chosen if hasattr(chosen, "uselist") else None
