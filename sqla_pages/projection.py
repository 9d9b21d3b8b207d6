"""How the rows of a page are selected: keys travel beside them, and entities stay what they are.

Three forms. INLINE adds the keys, the seek predicate and the LIMIT to the statement itself. ROWS
selects from the statement as a subquery, where a condition inside would change what its rows are.
PARENTS pages entities that the rows repeat, and joins the rows to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, select, union_all

from . import _sqla
from ._sqla import AnySelect
from .dialects import Traits
from .fragments import Fragments, Probe
from .keyset import Condition, Key, inner_order_of, order_of
from .loading import Selected, Way

Limit: TypeAlias = ColumnElement[int]
"""A parameter for the number of rows that a page has, or that lie before it."""

Form: TypeAlias = Literal["inline", "rows", "union", "parents"]

KEY: Final = "_k{}"


@dataclass(frozen=True, slots=True, eq=False)
class Inline:
    """The statement itself."""

    statement: AnySelect
    keys: tuple[Key, ...]
    traits: Traits
    form: Form = "inline"

    def page(
        self, fragments: Fragments, hidden: Sequence[ColumnElement[Any]], limit: Limit
    ) -> AnySelect:
        """Return the first `limit` rows in the one range, with hidden columns added."""
        page = self.statement.add_columns(*fragments.sent, *hidden)
        if _sqla.order_by_of(page):
            page = page.order_by(None)
        return page.where(*fragments.ranges).order_by(*fragments.order).limit(limit)

    def probe(self, probe: Probe) -> ColumnElement[Any]:
        """Return 1 if there is any row in a range, NULL if there is none."""
        one = _sqla.rows_alone(self.statement, _ONE).where(probe.condition)
        return _first(one.order_by(*probe.order))

    def united(self, fragments: Fragments, way: Way, limit: Limit) -> "Rows":
        """Return the rows of several ranges, each in order and limited by itself."""
        selected, keys = Selected.of(self.statement, way), fragments.keys
        native = [key.expression.label(KEY.format(n)) for n, key in enumerate(keys)]
        parts = [self._part(selected, keys, native, part, limit) for part in fragments.ranges]
        return Rows.of(union_all(*parts).subquery(), selected, keys, self.traits, form="union")

    def _part(
        self,
        selected: Selected,
        keys: Sequence[Key],
        native: Sequence[ColumnElement[Any]],
        part: Condition,
        limit: Limit,
    ) -> AnySelect:
        rows = selected.inner.add_columns(*native).order_by(None).where(part)
        if self.traits.unites == "whole":
            return rows
        rows = rows.order_by(*inner_order_of(keys, self.traits)).limit(limit)
        return select(*rows.subquery().c)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A subquery that holds the rows of the statement, and their keys."""

    source: Subquery
    selected: Selected
    keys: tuple[Key, ...]
    traits: Traits
    form: Form = "rows"

    @classmethod
    def of(
        cls,
        source: Subquery,
        selected: Selected,
        keys: Sequence[Key],
        traits: Traits,
        form: Form = "rows",
    ) -> "Rows":
        """Return the rows of a subquery whose columns end with the keys."""
        return cls(source, selected, _keys_in(source, keys), traits, form)

    def page(
        self, fragments: Fragments, hidden: Sequence[ColumnElement[Any]], limit: Limit
    ) -> AnySelect:
        """Return the first `limit` rows in the one range, with hidden columns added."""
        columns, keys = self.selected.columns_in(self.source), fragments.keys
        hidden = (*fragments.sent, *hidden)
        native = (key.expression for key in keys) if self.selected.way == "join" else ()
        core: AnySelect = select(*columns.values(), *native, *hidden)
        core = core.where(*fragments.ranges).order_by(*fragments.order).limit(limit)
        return self.selected.load(
            core, columns, hidden, lambda page: order_of(_keys_in(page, keys), self.traits)
        )

    def probe(self, probe: Probe) -> ColumnElement[Any]:
        """Return 1 if there is any row in a range, NULL if there is none."""
        one: AnySelect = select(_ONE).select_from(self.source).where(probe.condition)
        return _first(one.order_by(*probe.order))


@dataclass(frozen=True, slots=True, eq=False)
class Parents:
    """The entities of a statement whose rows repeat them, each at the place of its first row."""

    statement: AnySelect
    entity: tuple[ColumnElement[Any], ...]
    source: Subquery
    keys: tuple[Key, ...]
    traits: Traits
    form: Form = "parents"

    @classmethod
    def of(
        cls,
        statement: AnySelect,
        entity: tuple[ColumnElement[Any], ...],
        keys: Sequence[Key],
        traits: Traits,
    ) -> "Parents":
        """Return the distinct entities with these primary keys, where rows have these keys."""
        place = func.row_number().over(partition_by=entity, order_by=order_of(keys, traits))
        rows = (
            _sqla.without_loading(statement.order_by(None))
            .with_only_columns(
                *(key.label(f"_e{n}") for n, key in enumerate(entity)),
                place.label("_n"),
                *(key.expression.label(KEY.format(n)) for n, key in enumerate(keys)),
                maintain_column_froms=True,
            )
            .subquery()
        )
        return cls(statement, entity, rows, _keys_in(rows, keys), traits)

    def page(
        self,
        fragments: Fragments,
        hidden: Sequence[ColumnElement[Any]],
        limit: Limit,
        offset: Limit | None = None,
    ) -> AnySelect:
        """Return the rows of the first `limit` entities, with hidden columns added."""
        keys, hidden = fragments.keys, (*fragments.sent, *hidden)
        chosen: AnySelect = select(*self.source.c, *hidden).where(self.source.c["_n"] == _ONE)
        chosen = chosen.where(*fragments.ranges)
        chosen = chosen.order_by(*fragments.order).limit(limit).offset(offset)
        page = chosen.subquery()
        own = (page.c[f"_e{n}"] == key for n, key in enumerate(self.entity))
        return (
            self.statement.add_columns(*(page.c[str(column.key)] for column in hidden))
            .where(and_(*own))
            .order_by(None)
            .order_by(*order_of(_keys_in(page, keys), self.traits))
            .order_by(*_sqla.order_by_of(self.statement))
        )

    def probe(self, probe: Probe) -> ColumnElement[Any]:
        """Return 1 if there is any entity in a range, NULL if there is none."""
        one: AnySelect = select(_ONE).select_from(self.source).where(self.source.c["_n"] == _ONE)
        return _first(one.where(probe.condition).order_by(*probe.order))


Projection: TypeAlias = Inline | Rows | Parents

_ONE: Final[ColumnElement[int]] = _sqla.number(1)


def _first(one: Select[Any]) -> ColumnElement[Any]:
    # Of its own tables, not of those around it.
    return one.limit(1).correlate(None).scalar_subquery()


def _keys_in(source: Subquery, keys: Sequence[Key]) -> tuple[Key, ...]:
    return tuple(
        replace(key, expression=source.c[KEY.format(n)], is_rowid=False)
        for n, key in enumerate(keys)
    )
