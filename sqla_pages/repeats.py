"""What eager loads by joins do to the number of rows: some filter them, some repeat them."""

from typing import Any

from sqlalchemy import ColumnElement

from . import _sqla
from ._sqla import AnySelect, Loading
from .errors import StatementNotPageableError
from .identity import Facts
from .plan import needs_subquery


def with_eager_filters(statement: AnySelect, loading: Loading) -> AnySelect:
    """Return the statement with what its inner eager joins ask of a row as conditions of its own.

    `joinedload(User.notes, innerjoin=True)` leaves out the users without notes; but SQLAlchemy
    joins a collection to the rows that LIMIT has left, and nothing joins it to a count.

    Raises:
        StatementNotPageableError: its own LIMIT comes before the filter.
    """
    if not loading.filters:
        return statement
    if filters_late(statement, loading) and _sqla.is_limited(statement):
        raise StatementNotPageableError(
            "innerjoin=True leaves out some of the rows that the LIMIT of this statement counts: "
            "load without innerjoin, and filter by a condition"
        )
    return statement.where(*loading.filters)


def filters_late(statement: AnySelect, loading: Loading) -> bool:
    """Tell whether SQLAlchemy may join what is loaded to what a LIMIT has left of the rows."""
    return loading.repeats or _sqla.is_distinct(statement) or bool(_sqla.group_by_of(statement))


def repeated_entity(statement: AnySelect, facts: Facts) -> tuple[ColumnElement[Any], ...] | None:
    """Return the key of the entity that rows repeat though a collection is loaded; None if none.

    Raises:
        StatementNotPageableError: the rows are more than one entity, have a LIMIT, or may be
            without the entity.
    """
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
    if any(map(facts.is_nullable, keys)):
        raise StatementNotPageableError(
            "an outer join leaves rows of this statement without the entity, and a collection of "
            "it is loaded by a join: load it with selectinload(), or leave out these rows"
        )
    return keys
