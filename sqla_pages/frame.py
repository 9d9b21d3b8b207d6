"""Which form the pages of a statement take: what is proved of it decides, and its database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Dialect, Integer, Select, SmallInteger, Table
from sqlalchemy.orm import FromStatement

from . import _sqla
from ._sqla import AnySelect, Loading, Statement
from .carriers import carrier_of
from .compounds import as_select
from .content import ordered_of
from .dialects import Traits, traits_of
from .errors import StatementNotPageableError
from .expressions import has_window, is_one_row, is_plain_or_nested
from .identity import Facts, are_keys
from .keyset import Anchor, Key, order_of, ranges_after
from .loading import Selected, Way
from .ordering import SortKey, sort_keys_of
from .projection import KEY, Inline, Parents, Projection, Rows
from .total_order import TotalOrder, total_order_of

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

    def is_united(self, keys: Sequence[Key], anchor: Anchor | None) -> bool:
        """Tell whether a page after the anchor is put together of ranges."""
        if self.union_way is None:
            return False
        is_filtered = self.keys_first and anchor is not None
        return is_filtered or len(ranges_after(keys, anchor, self.traits)) > 1


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
    loading = _sqla.loading_of(selected if outer is None else outer)
    facts = Facts(selected)
    if loading.repeats and (entity := _repeated_entity(selected, facts)):
        return _of_parents(selected, entity, facts, traits, dialect)
    order = total_order_of(selected, facts)
    keys = tuple(_key_of(key, facts, traits, dialect) for key in order.keys)
    if outer is not None:
        if loading.from_joins:
            raise StatementNotPageableError(_CONTAINS_EAGER)
        rows = _rows_of(selected, Selected.from_statement(outer, selected), keys, traits)
        return Frame(rows, order, facts.places, traits, None)
    way = _way_of(selected, loading)
    _refuse_equal_labels(selected)
    needs_rows = needs_subquery(selected) or _is_changed(selected, order, keys)
    if not needs_rows:
        is_lossy = loading.from_joins or (way == "statement" and _needs_join(loading))
        is_lossy = (is_lossy or _sqla.is_distinct(selected)) and way != "columns"
        # SQLite 3.40 loses the conditions of a UNION ALL of FULL JOINs.
        is_lossy = is_lossy or _sqla.is_locking(selected) or facts.has_full_join
        union_way = None if is_lossy else way
        keys_first = traits.misses_filters and facts.has_filters and _can_join(selected)
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


def needs_subquery(statement: AnySelect) -> bool:
    """Tell whether a further condition would change what the rows of a statement are."""
    selected = _sqla.raw_columns_of(statement)
    keys = [key.expression for key in sort_keys_of(statement)]
    return bool(
        _sqla.is_limited(statement)
        or _sqla.distinct_on_of(statement)
        or _sqla.group_by_of(statement)
        or is_one_row(statement)
        or any(map(has_window, (*selected, *keys)))
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
    elif _sqla.has_ties(statement):
        # What ties is of its own order, which leaves nothing open.
        pass
    elif _sqla.is_limited(statement):
        inner = inner.order_by(None).order_by(*order_of(keys, traits))
    else:
        inner = inner.order_by(None)
    return Rows.of(inner.subquery(), selected, keys, traits)


def _key_of(key: SortKey, facts: Facts, traits: Traits, dialect: Dialect) -> Key:
    carrier = carrier_of(key.column, dialect)
    default = traits.nulls_largest == key.descending
    return Key(
        expression=carrier.compared(key.column),
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


def _way_of(statement: AnySelect, loading: Loading) -> Way:
    raw = _sqla.raw_columns_of(statement)
    if not any(map(_sqla.entity_keys_of, raw)) and not any(map(_sqla.is_bundle, raw)):
        return "columns"
    return "join" if _needs_join(loading) and _can_join(statement) else "statement"


def _needs_join(loading: Loading) -> bool:
    return loading.by_joins or loading.by_subqueries or loading.chosen or loading.computed


def _can_join(statement: AnySelect) -> bool:
    """Tell whether it selects entities that can be found again by their primary keys."""
    keys = [_sqla.entity_keys_of(selected) for selected in _sqla.raw_columns_of(statement)]
    return any(keys) and all(are_keys(key) for key in keys if key)


def _repeated_entity(statement: AnySelect, facts: Facts) -> tuple[ColumnElement[Any], ...] | None:
    """Return the key of the entity that rows repeat though a collection is loaded; None if none."""
    raw = _sqla.raw_columns_of(statement)
    keys = _sqla.entity_keys_of(raw[0])
    is_one_each = _sqla.is_distinct(statement) or facts.covers(keys)
    if is_one_each and keys and facts.covers(keys, _sqla.flat(raw[1:])):
        return None
    if len(raw) > 1 or not keys or needs_subquery(statement) or _sqla.is_distinct(statement):
        raise StatementNotPageableError(
            "a join repeats the rows of this statement, and a collection is loaded by a join too: "
            "load the collection with selectinload(), or select one entity without a LIMIT"
        )
    return keys


def _of_parents(
    statement: AnySelect,
    entity: tuple[ColumnElement[Any], ...],
    facts: Facts,
    traits: Traits,
    dialect: Dialect,
) -> Frame:
    order = total_order_of(statement, facts)
    keys = tuple(_key_of(key, facts, traits, dialect) for key in order.keys)
    parents = Parents.of(statement, entity, keys, traits)
    return Frame(parents, order, facts.places, traits, None)
