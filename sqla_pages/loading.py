"""How entities are loaded when their rows are selected from a subquery.

COLUMNS: there are none; the columns of the subquery are the row. STATEMENT: entities are read from
the columns that the subquery has of them, by `from_statement`. JOIN: the subquery gives primary
keys, and entities are joined to them once more, so that what they load by joins is loaded so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Subquery, and_, select
from sqlalchemy.orm import FromStatement
from sqlalchemy.sql.elements import ClauseElement

from . import _sqla
from ._sqla import AnySelect, Loading
from .identity import are_keys

Way: TypeAlias = Literal["columns", "statement", "join"]

_EXTRA = "_c{}_{}"


@dataclass(frozen=True, slots=True, eq=False)
class Selected:
    """What a statement selects, to be selected from a subquery.

    `inner` is the statement with the columns that the way of loading needs; `names` are those that
    what was selected has in a row, of an ORM statement.
    """

    statement: "AnySelect | FromStatement[Any]"
    inner: AnySelect
    names: tuple[str, ...]
    way: Way

    @classmethod
    def of(cls, statement: AnySelect, way: Way) -> "Selected":
        """Return what to select in the subquery, for this way of loading."""
        names = _sqla.result_names_of(statement)
        if way == "columns":
            return cls(statement, statement, names, way)
        raw = _sqla.raw_columns_of(statement)
        extra: list[ColumnElement[Any]] = []
        for place, selected in enumerate(raw):
            parts = _sqla.entity_keys_of(selected)
            if not parts:
                parts = tuple(_sqla.expressions_of(_sqla.flat((selected,))))
            elif way == "statement":
                continue
            extra += [part.label(_EXTRA.format(place, n)) for n, part in enumerate(parts)]
        if way == "statement":
            return cls(statement, statement.add_columns(*extra), names, way)
        others: Any = [selected for selected in raw if not _sqla.entity_keys_of(selected)]
        inner = statement.with_only_columns(*others, *extra, maintain_column_froms=True)
        return cls(statement, inner, names, way)

    @classmethod
    def from_statement(cls, outer: FromStatement[Any], inner: AnySelect) -> "Selected":
        """Return what to select in the subquery, for entities that are loaded from a statement."""
        return cls(outer, inner, (), "statement")

    def columns_in(self, source: Subquery) -> dict[str, ColumnElement[Any]]:
        """Return the columns of the subquery that loading needs, without the keys, by name."""
        number = len(self.inner.selected_columns)
        columns: dict[str, ColumnElement[Any]] = dict(tuple(source.c.items())[:number])
        if self.way == "columns":
            if len(self.names) == len(columns):
                for key, name in zip(tuple(columns), self.names, strict=True):
                    if key != name or _sqla.is_anonymous(columns[key]):
                        columns[key] = columns[key].label(name)
            return columns
        rendered = _sqla.rendered_by(self.inner)
        columns = {key: column for key, column in columns.items() if key in rendered}
        if self.way == "statement":
            for key, name in self._names_of_extras().items():
                columns[key] = columns[key].label(name)
        return columns

    def load(
        self,
        core: AnySelect,
        columns: Mapping[str, ColumnElement[Any]],
        hidden: Sequence[ColumnElement[Any]],
        order_of_page: Callable[[Subquery], Sequence[ColumnElement[Any]]],
    ) -> AnySelect:
        """Return the statement's own rows, and hidden columns, of what a core selects."""
        if self.way == "columns":
            shown = core.with_only_columns(*columns.values(), *hidden, maintain_column_froms=True)
            return self._like_statement(shown)
        if self.way == "statement":
            outer: AnySelect = select(*self._rows_of(columns), *hidden)
            return self._like_statement(outer).from_statement(core)  # type: ignore[return-value]
        page = core.subquery()
        names = self._names_of_extras()
        found = {key: page.c[key].label(name) for key, name in names.items()}
        outer = select(*self._rows_of(found), *(page.c[str(column.key)] for column in hidden))
        outer = outer.select_from(page)
        for place, selected in enumerate(_sqla.raw_columns_of(self.statement)):
            if keys := _sqla.entity_keys_of(selected):
                ours = (page.c[_EXTRA.format(place, n)] == key for n, key in enumerate(keys))
                outer = outer.outerjoin(_sqla.entity_of(selected), and_(*ours))
        return self._like_statement(outer.order_by(*order_of_page(page)))

    def _names_of_extras(self) -> dict[str, str]:
        """Return the columns that stand for what is no entity, with their names in a row."""
        found: dict[str, str] = {}
        for place, selected in enumerate(_sqla.raw_columns_of(self.statement)):
            if self.names and not _sqla.entity_keys_of(selected):
                parts = _sqla.expressions_of(_sqla.flat((selected,)))
                for n, part in enumerate(parts):
                    is_bundle = _sqla.is_bundle(selected)
                    name = str(part.key or f"_{n}") if is_bundle else self.names[place]
                    found[_EXTRA.format(place, n)] = name
        return found

    def _rows_of(self, columns: Mapping[str, ColumnElement[Any]]) -> list[Any]:
        return [
            self._row_part(place, selected, columns)
            for place, selected in enumerate(_sqla.raw_columns_of(self.statement))
        ]

    def _row_part(
        self, place: int, selected: ClauseElement, columns: Mapping[str, ColumnElement[Any]]
    ) -> Any:
        if _sqla.entity_keys_of(selected):
            return _sqla.entity_of(selected)
        if not self.names:
            # Of from_statement(): a column of it, by its name if not by itself.
            bare = _sqla.bare_of(selected)
            return columns.get(str(getattr(bare, "key", None)), selected)
        parts = _sqla.expressions_of(_sqla.flat((selected,)))
        found = [columns[_EXTRA.format(place, n)] for n in range(len(parts))]
        return _sqla.bundle_like(selected, found) or found[0]

    def _like_statement(self, outer: AnySelect) -> AnySelect:
        # Of the inner statement's options, those that filter rows would not be applied either.
        options = self.statement.get_execution_options()
        outer = outer.execution_options(**options) if options else outer
        if self.way == "columns":
            return outer.options(*_sqla.criteria_of(self.statement))
        return outer.options(*_sqla.options_of(self.statement))


def way_of(statement: AnySelect, loading: Loading) -> Way:
    """Return how to load what a statement selects from a subquery."""
    raw = _sqla.raw_columns_of(statement)
    if not any(map(_sqla.entity_keys_of, raw)) and not any(map(_sqla.is_bundle, raw)):
        return "columns"
    return "join" if needs_join(loading) and can_join(statement) else "statement"


def needs_join(loading: Loading) -> bool:
    """Tell whether entities read from the columns of a subquery would not be loaded as asked."""
    return loading.by_joins or loading.by_subqueries or loading.chosen or loading.computed


def can_join(statement: AnySelect) -> bool:
    """Tell whether it selects entities that can be found again by their primary keys."""
    keys = [_sqla.entity_keys_of(selected) for selected in _sqla.raw_columns_of(statement)]
    return any(keys) and all(are_keys(key) for key in keys if key)
