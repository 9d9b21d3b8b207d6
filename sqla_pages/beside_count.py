"""A page and its total in one statement: the count, and the page joined to it.

    SELECT page.*, total FROM (SELECT count(*) AS total FROM t) LEFT JOIN
        (SELECT *, 1 AS _row FROM t ORDER BY id LIMIT 10 OFFSET 20) AS page ON true

A page without rows still has the row of the count, in which `_row` is NULL.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Subquery, select, true
from sqlalchemy.orm import FromStatement

from . import _sqla
from ._sqla import AnySelect, Loading, Statement
from .loading import Selected, needs_join, way_of
from .ordering import sort_keys_of

ROW: Final = "_row"

_KEY: Final = "_k{}"
_TOTAL: Final = "_total"


def beside_count(
    page: Statement,
    count: AnySelect,
    loading: Loading,
    outer: FromStatement[Any] | None,
) -> "AnySelect | None":
    """Return the rows of a page, each ended by what tells that it is one, and by the total.

    None where the page cannot be selected from without changing it.

    Args:
        page: the ordered and limited statement.
        count: the statement that gives the total.
        loading: of the page.
        outer: what loads the entities of the page, if not it itself.
    """
    if not isinstance(page, Select) or outer is not None or not _can_be_source(page, loading):
        return None
    keys = tuple(sort_keys_of(page))
    if any(_sqla.is_textual(key.expression) for key in keys):
        return None
    selected = Selected.of(page, way_of(page, loading))
    names = [_KEY.format(n) for n in range(len(keys))]
    labels = (key.column.label(name) for key, name in zip(keys, names, strict=True))
    source = selected.inner.add_columns(*labels, _sqla.number(1).label(ROW)).subquery()
    total = select(count.scalar_subquery().label(_TOTAL)).subquery()

    def order_of(rows: Subquery) -> list[ColumnElement[Any]]:
        return [
            type(key)(rows.c[name], key.descending, key.nulls_first).clause()
            for key, name in zip(keys, names, strict=True)
        ]

    columns = selected.columns_in(source)
    hidden = (source.c[ROW], *total.c)
    core: AnySelect = (
        select(*columns.values(), *(source.c[name] for name in names), *hidden)
        .select_from(total.outerjoin(source, true()))
        .order_by(*order_of(source))
    )
    return selected.load(core, columns, hidden, order_of)


def _can_be_source(page: AnySelect, loading: Loading) -> bool:
    way = way_of(page, loading)
    labels, raw = _sqla.labels_of(page), _sqla.raw_columns_of(page)
    entities = [hash(selected) for selected in raw if _sqla.entity_keys_of(selected)]
    return (
        not (_sqla.is_distinct(page) and not _sqla.distinct_on_of(page))
        and not _sqla.is_locking(page)
        # An inner join would leave out the row without a page.
        and not loading.filters
        and not any(map(_sqla.is_textual, _sqla.flat(raw)))
        and not any(str(column.key).startswith("_") for column in page.selected_columns)
        and len(set(labels)) == len(labels)
        and len(set(entities)) == len(entities)
        and not _sqla.has_joined_entities(page)
        and (way == "columns" or not loading.from_joins)
        and not (way == "statement" and needs_join(loading))
    )
