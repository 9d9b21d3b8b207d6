"""Hypothesis strategies for statements of every shape over a generated schema."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Select, desc, except_, func, intersect, select, text, union, union_all

from .loads import Loaded, Loading, loadings
from .orderings import Key, directed, named, orderings
from .schemas import DrawFn, Schema, kind_of, schemas
from .sources import Source, filtered, sources

try:
    from sqlalchemy.dialects.postgresql import distinct_on
except ImportError:  # SQLAlchemy 2.0
    distinct_on = None  # type: ignore[assignment]

COMPOUNDS = {"union": union, "union_all": union_all, "intersect": intersect, "except": except_}


@dataclass(frozen=True, eq=False)
class Drawn:
    """A statement, and what has to be known to say which rows it may have, in which order.

    Attributes:
        schema: what it is about.
        shape: a word for it.
        statement: itself.
        scalars: whether the first element of each row is asked for, or mappings of them all.
        beside: the statement without a LIMIT and OFFSET of its own, its sort keys selected too.
        width: how many columns it selects itself; they come first.
        keys: where the sort keys are among the columns of `beside`.
        limit: its own.
        offset: its own.
        loaded: what is loaded of its first entity.
    """

    schema: Schema
    shape: str
    statement: Any
    scalars: bool
    beside: Any
    width: int
    keys: tuple[int, ...]
    limit: int | None = None
    offset: int = 0
    loaded: Loaded = field(default_factory=Loaded)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # else Hypothesis writes each field

    def __repr__(self) -> str:
        options = [str(option) for option in getattr(self.statement, "_with_options", ())]
        kind = f"{self.shape}, {'scalars' if self.scalars else 'mappings'}"
        return f"{kind}:\n{self.statement}\n{options or ''}\n{self.schema!r}"


@st.composite
def statements(draw: DrawFn, backend: str) -> Drawn:
    """A schema and a statement over it."""
    schema = draw(schemas(backend))
    shapes = [*SHAPES, *(["distinct on"] if backend == "postgresql" else [])]
    shape = draw(st.sampled_from(shapes))
    return draw(SHAPES.get(shape, _distinct_on)(schema, shape))


@st.composite
def _limited(
    draw: DrawFn,
    schema: Schema,
    shape: str,
    statement: Any,
    keys: tuple[Key, ...],
    width: int,
    scalars: bool,
    loading: Loading = Loading(),
) -> Drawn:
    """The statement in the order of its keys, perhaps with a LIMIT and OFFSET of its own."""
    ordered = statement.order_by(*(key.clause for key in keys)) if keys else statement
    extra = [key.expression.label(f"_{n}") for n, key in enumerate(keys)]
    beside = ordered.add_columns(*extra) if extra else ordered
    limit, offset = None, 0
    # What a LIMIT leaves of a collection in the last row is not known without a total order.
    if not loading.joins_collection:
        limit, offset = draw(own_limits())
    if limit is not None:
        ordered = ordered.limit(limit)
    if offset:
        ordered = ordered.offset(offset)
    return Drawn(
        schema,
        shape,
        ordered,
        scalars,
        beside,
        width,
        tuple(range(width, width + len(keys))),
        limit,
        offset,
        loading.loaded,
    )


@st.composite
def own_limits(draw: DrawFn) -> tuple[int | None, int]:
    """A LIMIT and OFFSET, mostly neither."""
    if draw(st.integers(0, 2)) < 2:
        return None, 0
    return draw(st.sampled_from([None, 8, 5, 3, 2, 1, 0])), draw(st.integers(0, 3))


@st.composite
def _entity(draw: DrawFn, schema: Schema, shape: str) -> Drawn:
    source = draw(sources(schema, entity_first=True, most=2))
    chosen = draw(st.sampled_from([one for one in source.members if one.entity is not None]))
    selected = source.under(select(chosen.source))
    statement = draw(filtered(selected, source.columns, schema))
    loading = draw(loadings(schema, source, chosen)) if shape == "eager" else Loading()
    statement = statement.options(*loading.options) if loading.options else statement
    # In a nested join, criteria are applied to the entities that are selected from: to sort by
    # others, which means to select them beside, would make this another statement.
    is_bound = loading.has_criteria and source.is_nested
    keys = draw(orderings(schema, chosen.columns if is_bound else source.columns))
    scalars = draw(st.integers(0, 3)) > 0
    return draw(_limited(schema, shape, statement, keys, 1, scalars, loading))


@st.composite
def _entities(draw: DrawFn, schema: Schema, shape: str) -> Drawn:
    source = draw(sources(schema, entity_first=True))
    found = [member.source for member in source.members if member.entity is not None]
    column = draw(st.sampled_from(source.columns)).label("extra")
    selected = draw(st.permutations([*found[:2], column]))
    statement = draw(filtered(source.under(select(*selected)), source.columns, schema))
    keys = draw(orderings(schema, source.columns))
    return draw(_limited(schema, shape, statement, keys, len(selected), draw(st.booleans())))


@st.composite
def _columns(draw: DrawFn, schema: Schema, shape: str) -> Drawn:
    source = draw(sources(schema))
    chosen = draw(st.lists(st.sampled_from(source.columns), min_size=1, max_size=4, unique=True))
    is_labelled = draw(st.integers(0, 3)) > 0
    # Among the labels are names that columns have.
    names = draw(st.permutations(["l0", "c0", "l1", "k0"]))
    labels = [column.label(name) for column, name in zip(chosen, names, strict=False)]
    selected = labels if is_labelled else chosen
    statement = draw(filtered(source.under(select(*selected)), source.columns, schema))
    keys = draw(orderings(schema, source.columns))
    if is_labelled and draw(st.integers(0, 2)) == 2:
        keys = (draw(named(labels)), *keys)
    return draw(_limited(schema, shape, statement, keys, len(selected), draw(st.booleans())))


@st.composite
def _distinct(draw: DrawFn, schema: Schema, shape: str) -> Drawn:
    """Ordered by what is selected: anything else would be one of several values."""
    source = draw(sources(schema))
    if source.first.entity is not None and draw(st.integers(0, 2)) == 2:
        statement = source.under(select(source.first.source)).distinct()
        statement = draw(filtered(statement, source.columns, schema))
        keys = draw(orderings(schema, source.first.columns, plain=True))
        return draw(_limited(schema, shape, statement, keys, 1, draw(st.booleans())))
    chosen = draw(st.lists(st.sampled_from(source.columns), min_size=1, max_size=3, unique=True))
    labels = [column.label(f"l{n}") for n, column in enumerate(chosen)]
    statement = source.under(select(*labels)).distinct()
    statement = draw(filtered(statement, source.columns, schema))
    keys = draw(orderings(schema, chosen, plain=True))
    if draw(st.booleans()):
        keys = (draw(named(labels)), *keys)
    return draw(_limited(schema, shape, statement, keys, len(labels), draw(st.booleans())))


@st.composite
def _grouped(draw: DrawFn, schema: Schema, shape: str) -> Drawn:
    source = draw(sources(schema))
    first, n = source.first, func.count().label("n")
    if first.entity is not None and draw(st.integers(0, 3)) == 3:
        groups: list[Any] = list(first.keys)
        selected: list[Any] = [first.source, n]
        columns: tuple[Any, ...] = (*first.columns, func.count())
    else:
        groups = draw(
            st.lists(st.sampled_from(source.columns), min_size=1, max_size=3, unique=True)
        )
        shown = groups if draw(st.booleans()) else groups[:-1]
        most = draw(_aggregates(source)).label("most")
        selected = [*(column.label(f"g{n}") for n, column in enumerate(shown)), n, most]
        columns = (*groups, func.count(), most.element)
    statement = source.under(select(*selected)).group_by(*groups)
    statement = draw(filtered(statement, source.columns, schema))
    if draw(st.integers(0, 2)) == 2:
        statement = statement.having(func.count() > 1)
    keys = draw(orderings(schema, columns, plain=True))
    if draw(st.booleans()):
        keys = (*keys, Key(draw(directed(schema, n)), n.element))
    return draw(_limited(schema, shape, statement, keys, len(selected), draw(st.booleans())))


@st.composite
def _aggregates(draw: DrawFn, source: Source) -> Any:
    column = draw(st.sampled_from(source.columns))
    kind = kind_of(column)
    choices: list[Callable[[Any], Any]] = [lambda column: func.count(column.distinct())]
    # PostgreSQL has no max() of a boolean, nor of a UUID until 18.
    match "" if kind is None else type(kind.type).__name__:
        case "Integer" | "Numeric":
            choices += [func.max, func.min, func.sum, func.avg]
        case "String" | "Date" | "DateTime":
            choices += [func.max, func.min]
    return draw(st.sampled_from(choices))(column)


@st.composite
def _windowed(draw: DrawFn, schema: Schema, shape: str) -> Drawn:
    """With a window that has a total order of its own, where it needs one."""
    source = draw(sources(schema))
    one = draw(st.sampled_from(source.columns))
    partition = draw(st.none() | st.sampled_from(source.columns))
    order = draw(st.sampled_from(source.columns))
    function = draw(st.sampled_from("row_number rank dense_rank count lag".split()))
    match function:
        case "row_number" | "lag":
            called = func.row_number() if function == "row_number" else func.lag(one)
            window = called.over(partition_by=partition, order_by=[order, *source.keys])
        case "count":
            window = func.count(one).over(partition_by=partition)
        case _:
            window = getattr(func, function)().over(partition_by=partition, order_by=order)
    labels = [one.label("l0"), window.label("w")]
    statement = draw(filtered(source.under(select(*labels)), source.columns, schema))
    keys = draw(orderings(schema, source.columns, plain=True))
    if draw(st.booleans()):
        keys = (Key(draw(directed(schema, labels[1])), window), *keys)
    return draw(_limited(schema, shape, statement, keys, 2, draw(st.booleans())))


@st.composite
def _distinct_on(draw: DrawFn, schema: Schema, shape: str) -> Drawn:
    """Which row of the equal ones is kept is said by the ORDER BY, to the end."""
    source = draw(sources(schema))
    on = draw(st.lists(st.sampled_from(source.columns), min_size=1, max_size=2, unique=True))
    chosen = draw(st.lists(st.sampled_from(source.columns), min_size=1, max_size=3, unique=True))
    labels = [column.label(f"l{n}") for n, column in enumerate(chosen)]
    statement: Select[Any] = draw(filtered(source.under(select(*labels)), source.columns, schema))
    is_old = distinct_on is None
    statement = statement.distinct(*on) if is_old else statement.ext(distinct_on(*on))
    first = tuple(Key(draw(directed(schema, column)), column) for column in on)
    rest = tuple(Key(column, column) for column in (*source.keys, *source.columns))
    keys = (*first, *rest)
    return draw(_limited(schema, shape, statement, keys, len(labels), draw(st.booleans())))


@st.composite
def _compound(draw: DrawFn, schema: Schema, shape: str) -> Drawn:
    """Two or three selects, ordered by names or numbers of their columns."""
    first = draw(sources(schema, most=1))
    chosen = draw(st.lists(st.sampled_from(first.columns), min_size=1, max_size=3, unique=True))
    halves = [draw(filtered(first.under(_labelled(chosen)), first.columns, schema))]
    for _ in range(draw(st.integers(1, 2))):
        other = draw(sources(schema, most=1))
        like = [
            [two for two in other.columns if type(two.type) is type(one.type)] for one in chosen
        ]
        if not all(like):
            other, like = first, [[column] for column in chosen]
        columns = [draw(st.sampled_from(those)) for those in like]
        halves.append(draw(filtered(other.under(_labelled(columns)), other.columns, schema)))
    compound = COMPOUNDS[draw(st.sampled_from(list(COMPOUNDS)))](*halves)
    width = len(chosen)
    keys = draw(st.lists(st.integers(0, width - 1), max_size=width))
    for key in keys:
        clauses = [f"l{key}", desc(f"l{key}"), text(str(key + 1))]
        compound = compound.order_by(draw(st.sampled_from(clauses)))
    limit, offset = draw(own_limits())
    limited = compound.limit(limit) if limit is not None else compound
    limited = limited.offset(offset) if offset else limited
    scalars = draw(st.booleans())
    return Drawn(schema, shape, limited, scalars, compound, width, tuple(keys), limit, offset)


def _labelled(columns: list[Any]) -> Any:
    return select(*(column.label(f"l{n}") for n, column in enumerate(columns)))


SHAPES: dict[str, Callable[[Schema, str], st.SearchStrategy[Drawn]]] = {
    "columns": _columns,
    "entity": _entity,
    "eager": _entity,
    "entities": _entities,
    "distinct": _distinct,
    "grouped": _grouped,
    "windowed": _windowed,
    "compound": _compound,
}
