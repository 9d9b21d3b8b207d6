"""Hypothesis strategies for what a statement reads: entities, derived tables, joins and filters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import (
    Boolean,
    ColumnElement,
    and_,
    except_,
    func,
    inspect,
    intersect,
    literal,
    not_,
    or_,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.orm import aliased, join

from .schemas import DrawFn, Schema, kind_of

# SQLite has FULL JOIN from 3.39 on, which not every Python comes with; MariaDB has none.
HAS_FULL_JOIN = {"postgresql"}


@dataclass(frozen=True, eq=False)
class Member:
    """Something in a FROM clause. Two of its rows that agree in `keys` agree in all columns.

    `entity` is the mapped class, if it is one or an alias of one.
    """

    source: Any
    columns: tuple[Any, ...]
    keys: tuple[Any, ...]
    entity: type | None = None


@dataclass(frozen=True, eq=False)
class Step:
    """A join of one more member; `on` is a condition or a relationship."""

    right: Member
    on: Any
    kind: str = "inner"

    @property
    def options(self) -> dict[str, bool]:
        return {"isouter": self.kind == "left", "full": self.kind == "full"}


@dataclass(frozen=True, eq=False)
class Source:
    """A first member, and the joins that follow: by `select().join()`, or nested in a FROM."""

    first: Member
    steps: tuple[Step, ...]
    is_nested: bool

    @property
    def members(self) -> tuple[Member, ...]:
        return (self.first, *(step.right for step in self.steps))

    @property
    def columns(self) -> tuple[Any, ...]:
        return tuple(column for member in self.members for column in member.columns)

    @property
    def keys(self) -> tuple[Any, ...]:
        """Return columns in which two rows differ, unless they agree in all columns."""
        return tuple(column for member in self.members for column in member.keys)

    def under(self, selected: Any) -> Any:
        """Put this under a select()."""
        if not self.is_nested:
            made = selected.select_from(self.first.source)
            for step in self.steps:
                made = made.join(step.right.source, step.on, **step.options)
            return made
        clause = self.first.source
        for step in self.steps:
            clause = join(clause, step.right.source, step.on, **step.options)
        return selected.select_from(clause)


@st.composite
def sources(draw: DrawFn, schema: Schema, *, entity_first: bool = False, most: int = 3) -> Source:
    """A member, and up to three joins."""
    first = draw(entities(schema) if entity_first else members(schema))
    found: list[Member] = [first]
    steps: list[Step] = []
    for _ in range(draw(st.integers(0, most))):
        step = draw(_steps(schema, found))
        if step is not None:
            steps.append(step)
            found.append(step.right)
    return Source(first, tuple(steps), bool(steps) and draw(st.integers(0, 3)) == 3)


@st.composite
def entities(draw: DrawFn, schema: Schema) -> Member:
    """A mapped class, an alias of one, or one that is read from a subquery."""
    entity = draw(st.sampled_from(schema.classes))
    how = draw(st.sampled_from(["itself", "itself", "alias", "subquery"]))
    source: Any = entity
    if how == "alias":
        source = aliased(entity, name=schema.alias_name())
    if how == "subquery":
        inner = select(entity)
        condition = draw(conditions(_columns_of(entity), schema))
        source = aliased(entity, inner.where(condition).subquery(), name=schema.alias_name())
    return _member_of(source, entity)


def _columns_of(source: Any) -> tuple[Any, ...]:
    names = inspect(source).mapper.column_attrs.keys()
    return tuple(getattr(source, name) for name in names)


def _member_of(source: Any, entity: type) -> Member:
    keys = tuple(getattr(source, column.key) for column in inspect(entity).primary_key)
    return Member(source, _columns_of(source), keys, entity)


@st.composite
def members(draw: DrawFn, schema: Schema) -> Member:
    """Anything that can be selected from by itself."""
    how = draw(st.sampled_from(["entity"] * 5 + ["table", "derived"]))
    if how == "entity":
        return draw(entities(schema))
    if how == "derived":
        return draw(derived_tables(schema))
    table = draw(st.sampled_from(schema.tables))
    source = table.alias() if draw(st.booleans()) else table
    keys = [source.c[column.name] for column in table.primary_key.columns]
    return Member(source, tuple(source.c), tuple(keys or source.c))


@st.composite
def conditions(draw: DrawFn, columns: Sequence[Any], schema: Schema) -> ColumnElement[bool]:
    """A condition on one of the columns."""
    column = draw(st.sampled_from(columns))
    kind = kind_of(column)
    if kind is None:
        return draw(st.sampled_from([column.is_(None), column.is_not(None)]))
    # Conditions on one of the most common values leave rows.
    values = st.sampled_from([*schema.found(kind)[:6], *kind.few[:2]])
    choices = ["not null", "=", "null", "or null", "in", "not", "not", "column", "exists"]
    if not isinstance(column.type, Boolean):
        choices += ["<", ">="]
    match draw(st.sampled_from(choices)):
        case "=":
            return column == draw(values)
        case "not":
            return not_(column == draw(values))
        case "null":
            return column.is_(None)
        case "or null":
            return or_(column == draw(values), column.is_(None))
        case "in":
            return column.in_(draw(st.lists(values, min_size=1, max_size=3, unique=True)))
        case "<":
            return column < draw(values)
        case ">=":
            return column >= draw(values)
        case "column":
            return column == draw(st.sampled_from(_like(column, columns)))
        case "exists":
            inner = draw(st.sampled_from(schema.tables)).alias()
            if like := _like(column, tuple(inner.c)):
                return select(literal(1)).where(draw(st.sampled_from(like)) == column).exists()
    return column.is_not(None)


@st.composite
def filtered(draw: DrawFn, statement: Any, columns: Sequence[Any], schema: Schema) -> Any:
    """The statement with up to two conditions."""
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 2]))):
        statement = statement.where(draw(conditions(columns, schema)))
    return statement


def _like(column: Any, columns: Sequence[Any]) -> list[Any]:
    return [other for other in columns if type(other.type) is type(column.type)]


@st.composite
def _steps(draw: DrawFn, schema: Schema, found: list[Member]) -> Step | None:
    left = draw(st.sampled_from(found))
    kinds = ["inner", "left", "left", *(["full"] if schema.backend in HAS_FULL_JOIN else [])]
    kind = draw(st.sampled_from(kinds))
    how = draw(st.sampled_from(["relationship", "key", "any", "lateral"]))
    if how == "relationship" and left.entity is not None:
        relationships = list(inspect(left.entity).relationships)
        if relationships:
            chosen = draw(st.sampled_from(relationships))
            target = chosen.mapper.class_
            right = _member_of(aliased(target, name=schema.alias_name()), target)
            return Step(right, getattr(left.source, chosen.key), kind)
    if how == "lateral" and schema.backend == "postgresql":
        right = draw(_laterals(schema, left))
        return (
            None if right is None else Step(right, true(), draw(st.sampled_from(["inner", "left"])))
        )
    right = draw(_fresh(schema))
    on = draw(_matches(left, right, by_key=how == "key"))
    if on is None:
        return None
    # PostgreSQL makes a FULL JOIN only by conditions that it can merge or hash.
    if kind != "full" and draw(st.integers(0, 3)) == 3:
        on = and_(on, draw(conditions((*left.columns, *right.columns), schema)))
    return Step(right, on, kind)


@st.composite
def _fresh(draw: DrawFn, schema: Schema) -> Member:
    """A member that no other FROM has: an alias, or a derived table."""
    if draw(st.integers(0, 3)) == 3:
        return draw(derived_tables(schema))
    entity = draw(st.sampled_from(schema.classes))
    return _member_of(aliased(entity, name=schema.alias_name()), entity)


@st.composite
def _matches(
    draw: DrawFn, left: Member, right: Member, *, by_key: bool
) -> ColumnElement[bool] | None:
    """An equality of a column of each, or of the whole key of one."""
    if by_key:
        keyed, other = draw(st.permutations([left, right]))
        pairs = [(key, _like(key, other.columns)) for key in keyed.keys]
        if all(like for _, like in pairs):
            return and_(*(key == draw(st.sampled_from(like)) for key, like in pairs))
    pairs = [(one, _like(one, right.columns)) for one in left.columns]
    pairs = [(one, like) for one, like in pairs if like]
    if not pairs:
        return None
    one, like = draw(st.sampled_from(pairs))
    other = draw(st.sampled_from(like))
    return one == other  # type: ignore[no-any-return]


@st.composite
def _laterals(draw: DrawFn, schema: Schema, left: Member) -> Member | None:
    """A LATERAL subquery: rows, or the first row, that match the left side."""
    table = draw(st.sampled_from(schema.tables)).alias()
    pairs = [(one, like) for one in left.columns if (like := _like(one, tuple(table.c)))]
    if not pairs:
        return None
    one, like = draw(st.sampled_from(pairs))
    inner = select(*table.c).where(draw(st.sampled_from(like)) == one)
    if draw(st.booleans()):
        inner = inner.order_by(*table.c).limit(draw(st.integers(1, 2)))
    made = inner.lateral()
    return Member(made, tuple(made.c), tuple(made.c))


@st.composite
def derived_tables(draw: DrawFn, schema: Schema) -> Member:
    """A subquery or CTE whose rows are the same each time."""
    table = draw(st.sampled_from(schema.tables)).alias()
    columns = tuple(table.c)
    chosen = draw(st.lists(st.sampled_from(columns), min_size=1, max_size=3, unique=True))
    labelled = [column.label(f"d{n}") for n, column in enumerate(chosen)]
    how = draw(st.sampled_from("plain distinct grouped limited windowed outer compound".split()))
    keys: list[str] | None = None
    match how:
        case "distinct":
            inner: Any = select(*labelled).distinct()
        case "grouped":
            inner = select(*labelled, func.count().label("n")).group_by(*chosen)
            keys = [label.name for label in labelled]
        case "limited":
            inner = select(*labelled).order_by(*columns).limit(draw(st.integers(1, 6)))
        case "windowed":
            number = func.row_number().over(partition_by=chosen[0], order_by=columns)
            inner = select(*labelled, number.label("n"))
        case "outer":
            other = draw(st.sampled_from(schema.tables)).alias()
            inner = select(*labelled)
            pairs = [(one, like) for one in columns if (like := _like(one, tuple(other.c)))]
            if pairs:
                one, like = draw(st.sampled_from(pairs))
                two = draw(st.sampled_from(like))
                more = draw(st.sampled_from(tuple(other.c))).label("n")
                inner = select(*labelled, more).outerjoin_from(table, other, one == two)
        case "compound":
            combine = draw(st.sampled_from([union, union_all, intersect, except_]))
            halves = [draw(filtered(select(*labelled), columns, schema)) for _ in range(2)]
            inner = combine(*halves)
        case _:
            inner = select(*table.c)
            keys = [column.name for column in getattr(table.element, "primary_key", ()).columns]
    if how != "compound":
        inner = draw(filtered(inner, columns, schema))
    made = inner.cte() if draw(st.booleans()) else inner.subquery()
    return Member(made, tuple(made.c), tuple(made.c[name] for name in keys or made.c.keys()))
