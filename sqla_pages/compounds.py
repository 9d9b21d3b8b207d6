"""UNION, INTERSECT and EXCEPT as a SELECT, which can be filtered and sorted by expressions."""

from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.sql.selectable import Subquery

from . import _sqla
from ._sqla import AnyCompound, AnySelect, Statement
from .content import bytes_of, ordered_of
from .ordering import sort_keys_of

_NUMBER: Final = "_n"


def as_select(statement: AnyCompound) -> AnySelect:
    """Return a SELECT of the same rows in the same order.

    Equal rows of a UNION ALL are numbered: they are interchangeable, but they are several.
    """
    rows = _limited(statement).subquery()
    shown = list(rows.c)
    if _sqla.keeps_duplicates(statement):
        numbered = func.row_number().over(
            partition_by=shown, order_by=[key for column in shown for key in bytes_of(column)]
        )
        rows = select(*shown, numbered.label(_NUMBER)).subquery()
        shown = list(rows.c)[: len(shown)]
    named = [
        column.label(f"anon_{place}") if _sqla.is_anonymous(column) else column
        for place, column in enumerate(shown, start=1)
    ]
    outer: AnySelect = select(*named).execution_options(**statement.get_execution_options())
    outer = outer.options(*_sqla.criteria_of(statement))
    return outer.order_by(*_order_of(statement, rows))


def _limited(statement: AnyCompound) -> Statement:
    if not _sqla.is_limited(statement):
        return statement.order_by(None)
    # What ties is of its own order, which leaves nothing open.
    return statement if _sqla.has_ties(statement) else ordered_of(statement)


def _order_of(statement: AnyCompound, rows: Subquery) -> list[ColumnElement[Any]]:
    selected = [_sqla.bare_of(column) for column in statement.selected_columns]
    order: list[ColumnElement[Any]] = []
    for key in sort_keys_of(statement):
        places = [n for n, column in enumerate(selected) if column is key.expression]
        if _sqla.is_text(key.expression):
            order.append(key.column)
            continue
        column = list(rows.c)[places[0]] if places else _sqla.of_subquery(key.column, rows)
        order.append(replace(key, expression=column).clause())
    return order
