"""Which form the pages of a statement take: what is proved of it decides, and its database."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    Integer,
    Select,
    SmallInteger,
    Table,
    func,
)
from sqlalchemy.orm import FromStatement

from . import _sqla
from ._sqla import AnySelect, Statement
from .carriers import carrier_of
from .compounds import as_select
from .content import ordered_of
from .dialects import Traits, traits_of
from .errors import StatementNotPageableError
from .expressions import is_one_row_by_order, is_plain_or_nested
from .fragments import Fragments, Probe, Shape, fragments_of, page_of, probes_of
from .identity import Facts
from .keyset import Key, order_of
from .loading import Selected, Way, can_join, needs_join, way_of
from .memo import Memo
from .ordering import SortKey
from .plan import needs_subquery
from .projection import KEY, Inline, Limit, Parents, Projection, Rows
from .repeats import repeated_entity, with_eager_filters
from .total_order import TotalOrder, total_order_of
from .unordered import with_any_order

PROBE: Final = "_p"

# A page of n nullable keys has up to 2^n shapes in each direction.
_SHAPES: Final = 64

_CONTAINS_EAGER: Final = (
    "contains_eager() cannot be kept together with GROUP BY, DISTINCT ON, a window, a LIMIT of the "
    "statement's own or from_statement(): load with joinedload() or selectinload()"
)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """How the pages of a statement are selected, whichever page it is.

    Attributes:
        projection: the form, and the sort keys in its terms.
        order: the total order, in terms of the statement.
        places: of each column, by its hash, the place of its table in the statement, which tells
            the unnamed aliases of one table apart.
        traits: of the database.
        union_way: how entities load where a page is a union of ranges; None if it cannot be one.
        keys_first: whether rows are sought by their keys alone, and then loaded.
    """

    projection: Projection
    order: TotalOrder
    places: Mapping[int, int]
    traits: Traits
    union_way: Way | None
    keys_first: bool = False
    _fragments: Memo[Shape, Fragments] = field(default_factory=lambda: Memo(_SHAPES), repr=False)
    _probes: Memo[Shape, tuple[Probe, ...]] = field(
        default_factory=lambda: Memo(_SHAPES), repr=False
    )

    @property
    def keys(self) -> tuple[Key, ...]:
        """The sort keys of the total order, as pages have them."""
        return self.projection.keys

    def of(self, statement: AnySelect) -> "Frame":
        """Return it for another statement that is built alike, where it is that of one itself."""
        projection = replace(cast("Inline", self.projection), statement=statement)
        return replace(self, projection=projection)

    def fragments(self, shape: Shape) -> Fragments:
        """Return what makes the pages of a shape."""

        def make() -> Fragments:
            return fragments_of(
                self.keys,
                shape,
                self.traits,
                can_unite=self.union_way is not None,
                keys_first=self.keys_first,
            )

        return self._fragments.get_or_make(shape, make)

    def page(self, shape: Shape, limit: Limit, *, probe: bool) -> AnySelect:
        """Return the statement for the pages of a shape, with keys and, if asked, a probe."""
        fragments, projection = self.fragments(shape), self.projection
        hidden = (self.probe(shape),) if probe else ()
        if fragments.is_united and isinstance(projection, Inline):
            projection = projection.united(fragments, self.union_way or "columns", limit)
            fragments = page_of(projection.keys, (), self.traits)
        return projection.page(fragments, hidden, limit)

    def probe(self, shape: Shape) -> ColumnElement[Any]:
        """Return what is not NULL if a row lies behind the pages of a shape."""
        projection = self.projection

        def make() -> tuple[Probe, ...]:
            return probes_of(
                self.keys,
                shape,
                self.traits,
                can_unite=self.union_way is not None,
                is_inline=isinstance(projection, Inline),
            )

        probes = [projection.probe(one) for one in self._probes.get_or_make(shape, make)]
        return (func.coalesce(*probes) if len(probes) > 1 else probes[0]).label(PROBE)


def frame_of(
    statement: "Statement", dialect: Dialect, outer: FromStatement[Any] | None = None
) -> Frame:
    """Return how to select cursor pages of a statement, which `outer` loads its entities from.

    Raises:
        StatementNotPageableError: no cursor pages of it could be right; says what to change.
    """
    traits = traits_of(dialect)
    selected = statement if isinstance(statement, Select) else as_select(statement)
    if any(map(_sqla.is_text, _sqla.raw_columns_of(selected))):
        raise StatementNotPageableError(
            "a column given as text() has no place in a row that is known: use literal_column()"
        )
    if _sqla.has_joined_criteria(selected):
        raise StatementNotPageableError(
            "criteria of an entity in select_from(join(...)) depend on what is selected: "
            "join it by .join() or .outerjoin() of the statement"
        )
    loading = _sqla.loading_of(selected if outer is None else outer)
    selected = with_eager_filters(selected, loading)
    facts = Facts(selected)
    if loading.repeats and (entity := repeated_entity(selected, facts)):
        return _of_parents(selected, entity, facts, traits, dialect)
    order = total_order_of(selected, facts)
    keys = tuple(_key_of(key, facts, traits, dialect) for key in order.keys)
    if outer is not None:
        if loading.from_joins:
            raise StatementNotPageableError(_CONTAINS_EAGER)
        rows = _rows_of(selected, Selected.from_statement(outer, selected), keys, traits)
        return Frame(rows, order, facts.places, traits, None)
    way = way_of(selected, loading)
    _refuse_equal_labels(selected)
    needs_rows = needs_subquery(selected) or _is_changed(selected, order, keys)
    if not needs_rows:
        is_lossy = loading.from_joins or (way == "statement" and needs_join(loading))
        is_lossy = (is_lossy or _sqla.is_distinct(selected)) and way != "columns"
        # SQLite 3.40 loses the conditions of a UNION ALL of FULL JOINs.
        is_lossy = is_lossy or _sqla.is_locking(selected) or facts.has_full_join
        union_way = None if is_lossy else way
        keys_first = traits.misses_filters and facts.has_filters and can_join(selected)
        if union_way and keys_first:
            union_way = "join"
        inline = Inline(selected, keys, traits)
        return Frame(inline, order, facts.places, traits, union_way, keys_first)
    if loading.from_joins and way != "columns":
        raise StatementNotPageableError(_CONTAINS_EAGER)
    if loading.computed and way == "statement":
        raise StatementNotPageableError(
            "an alias of a subquery whose entity has column properties cannot be selected from "
            "together with GROUP BY, a window or a LIMIT: select its columns"
        )
    rows = _rows_of(selected, Selected.of(selected, way), keys, traits)
    return Frame(rows, order, facts.places, traits, None)


def _is_changed(statement: AnySelect, order: TotalOrder, keys: tuple[Key, ...]) -> bool:
    """Tell whether keys in the statement itself would change what its rows are."""
    selected = {id(_sqla.bare_of(column)) for column in _sqla.raw_columns_of(statement)}
    if any(
        not is_plain_or_nested(k.expression) and id(k.expression) in selected for k in order.keys
    ):
        # It may return several rows, and could not stand in WHERE then.
        return True
    # As they are sent, values that are equal may differ, and be DISTINCT.
    return _sqla.is_distinct(statement) and not all(key.carrier.is_sent_raw for key in keys)


def _refuse_equal_labels(statement: AnySelect) -> None:
    labels = _sqla.labels_of(statement)
    if len(set(labels)) < len(labels):
        raise StatementNotPageableError(
            "two columns of this statement have the same label: give them different ones"
        )


def _rows_of(
    statement: AnySelect, selected: Selected, keys: tuple[Key, ...], traits: Traits
) -> Rows:
    inner = selected.inner.add_columns(
        *(key.expression.label(KEY.format(n)) for n, key in enumerate(keys))
    )
    if _sqla.distinct_on_of(statement):
        # Which row of each group is decided by the order within.
        inner = inner.order_by(None).order_by(*_sqla.order_by_of(ordered_of(statement)))
    elif _sqla.has_ties(statement) or is_one_row_by_order(statement):
        # What ties is of its own order, which leaves nothing open.
        pass
    elif _sqla.is_limited(statement):
        inner = with_any_order(inner.order_by(None).order_by(*order_of(keys, traits)))
    else:
        inner = inner.order_by(None)
    return Rows.of(inner.subquery(), selected, keys, traits)


def _key_of(key: SortKey, facts: Facts, traits: Traits, dialect: Dialect) -> Key:
    carrier = carrier_of(key.column, dialect)
    default = traits.nulls_largest == key.descending
    return Key(
        expression=_sqla.grouped(carrier.compared(key.column)),
        descending=key.descending,
        nulls_first=default if key.nulls_first is None else key.nulls_first,
        nullable=facts.is_nullable(key.column),
        carrier=carrier,
        is_rowid=dialect.name == "sqlite" and _is_rowid(key.column),
    )


def _is_rowid(column: ColumnElement[Any]) -> bool:
    """Tell whether SQLite keeps the column as the number of its row: an INTEGER PRIMARY KEY."""
    table = getattr(next(iter(column.base_columns), None), "table", None)
    return (
        bool(getattr(column, "primary_key", False))
        and isinstance(table, Table)
        and len(table.primary_key.columns) == 1
        and isinstance(column.type, Integer)
        and not isinstance(column.type, BigInteger | SmallInteger)
    )


def _of_parents(
    statement: AnySelect,
    entity: tuple[ColumnElement[Any], ...],
    facts: Facts,
    traits: Traits,
    dialect: Dialect,
) -> Frame:
    if any(map(_sqla.is_textual, _sqla.order_by_of(statement))):
        raise StatementNotPageableError(
            "a join repeats the entities of this statement, and it is ordered by a text: "
            "order by columns, or load the collection with selectinload()"
        )
    order = total_order_of(statement, facts)
    keys = tuple(_key_of(key, facts, traits, dialect) for key in order.keys)
    parents = Parents.of(statement, entity, keys, traits)
    return Frame(parents, order, facts.places, traits, None)
