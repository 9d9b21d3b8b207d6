"""What a statement returns without pages, and in which of its rows the order is open."""

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any, cast

from sqlalchemy import CompoundSelect, Select, func, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Query

from .. import _sqla
from .._sqla import Statement
from ..execute import AnySession
from ..expressions import has_window
from ..ordering import SortKey, sort_keys_of
from ..plan import Pageable, from_statement_of, items_and_hidden, items_of, statement_of
from .differences import Expected
from .rows import Key, keys_of


def rows_of(session: AnySession, pageable: Pageable, *, scalars: bool) -> list[Key]:
    """Return what the statement returns by itself, in its order."""
    statement: Any = pageable.statement if isinstance(pageable, Query) else pageable
    return keys_of(items_of(session.execute(statement), scalars=scalars))


def expected_of(session: AnySession, pageable: Pageable, *, scalars: bool) -> Expected:
    """Return the rows that the pages of a statement should hold, as the database gives them."""
    rows = rows_of(session, pageable, scalars=scalars)
    statement = statement_of(pageable)
    pool = None
    if from_statement_of(pageable) is None and _sqla.is_limited(statement):
        # Also what a limit that is an expression, or FETCH, takes.
        pool = rows_of(session, statement.limit(None).offset(None), scalars=scalars)
    ties = _ties_of(session, statement, scalars=scalars) or [len(rows)]
    return Expected(rows, ties if sum(ties) == len(rows) else [len(rows)], pool)


def _ties_of(session: AnySession, statement: Statement, *, scalars: bool) -> list[int]:
    """Return how many rows each are equal in what the statement sorts by; nothing if unknown."""
    keys = list(sort_keys_of(statement))
    ranked = _ranked(statement, keys)
    if ranked is None:
        return []
    try:
        # A database that refuses the statement is not to end the transaction.
        with session.begin_nested():
            result = session.execute(ranked)
            is_unique = _sqla.is_unique_demanded(result)
            items, hidden = items_and_hidden(result, 1, scalars=scalars)
    except (DBAPIError, SQLAlchemyError):
        return []
    ranks = [rank for (rank,) in hidden]
    if is_unique:
        first: dict[Key, Any] = {}
        for key, rank in zip(keys_of(items), ranks, strict=True):
            first.setdefault(key, rank)
        ranks = list(first.values())
    if any(one > other for one, other in pairwise(ranks)):
        return []
    return [len(list(tied)) for _, tied in groupby(ranks)]


def _ranked(statement: Statement, keys: Sequence[SortKey]) -> Select[Any] | None:
    """Return the statement with the rank of each row as its last column."""
    if not keys or any(_sqla.is_text(key.expression) for key in keys):
        return None
    if isinstance(statement, CompoundSelect):
        rows = statement.subquery()
        columns = [rows.corresponding_column(cast("Any", key.column)) for key in keys]
        if any(column is None for column in columns):
            return None
        pairs = zip(cast("list[Any]", columns), keys, strict=True)
        keys = [SortKey(column, key.descending, key.nulls_first) for column, key in pairs]
        order = [key.clause() for key in keys]
        return select(rows, func.rank().over(order_by=order)).order_by(*order)
    if any(has_window(key.expression) for key in keys):
        return None
    return statement.add_columns(func.rank().over(order_by=[key.clause() for key in keys]))
