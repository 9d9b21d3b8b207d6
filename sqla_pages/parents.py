"""Pages of entities that come repeatedly, once for each member of a collection joined to them.

`select(User).join(User.notes).options(contains_eager(User.notes))` gives a user once for each of
its notes, and `unique()` keeps the first. A LIMIT would count notes, so the keys of the users are
paged first: each at the place of its first row, which is the order that `unique()` leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, tuple_

from . import _sqla
from ._sqla import AnySelect, Statement
from .content import are_determined
from .errors import StatementNotPageableError


@dataclass(frozen=True, slots=True)
class ParentPlan:
    """How to page the distinct entities of a statement whose rows repeat them.

    `ordered` is the statement under its total order, `keys` the primary key of its entity.
    """

    ordered: AnySelect
    keys: tuple[ColumnElement[Any], ...]

    def keys_statement(self, *, limit: int, offset: int) -> AnySelect:
        """Return the statement that selects the keys of the entities on a page, in order."""
        rows = self._bare_keys(
            func.row_number().over(order_by=_sqla.order_by_of(self.ordered)).label("_row")
        )
        *keys, row = rows.subquery().c
        paged = select(*keys).group_by(*keys).order_by(func.min(row)).limit(limit).offset(offset)
        return self._like_ordered(paged)

    def count_statement(self) -> AnySelect:
        """Return the statement that counts the distinct entities."""
        keys = self._bare_keys().distinct().subquery()
        return self._like_ordered(select(func.count()).select_from(keys))

    def page_statement(self, keys: Sequence[Sequence[Any]]) -> AnySelect:
        """Return the statement that selects the entities with these keys, and their collections."""
        if len(self.keys) == 1:
            return self.ordered.where(self.keys[0].in_([key for (key,) in keys]))
        return self.ordered.where(tuple_(*self.keys).in_([tuple(key) for key in keys]))

    def _like_ordered(self, outer: AnySelect) -> AnySelect:
        # What the inner statement alone has of these would not be applied.
        return outer.options(*_sqla.criteria_of(self.ordered)).execution_options(
            **self.ordered.get_execution_options()
        )

    def _bare_keys(self, *more: ColumnElement[Any]) -> AnySelect:
        labelled = [key.label(f"_k{place}") for place, key in enumerate(self.keys)]
        bare = _sqla.without_loading(self.ordered.order_by(None))
        return bare.with_only_columns(*labelled, *more, maintain_column_froms=True)


def parent_plan(statement: Statement, ordered: Statement) -> ParentPlan | None:
    """Return how to page the entities of a statement that loads a collection by a join.

    None where no other join repeats the entities, or DISTINCT or GROUP BY make them one again:
    SQLAlchemy itself then keeps the collection out of the LIMIT. `ordered` is the statement under
    its total order.

    Raises:
        StatementNotPageableError: its rows are more than one entity, it has a LIMIT of its own, or
            it is ordered by a text.
    """
    if not isinstance(ordered, Select) or not isinstance(statement, Select):
        return None
    if len(tuple(_sqla.leaves_of(_sqla.froms_of(statement)))) == 1:
        return None
    (entity, *others), groups = _sqla.raw_columns_of(statement), _sqla.group_by_of(statement)
    keys = _sqla.entity_keys_of(entity)
    is_grouped_by_more = not are_determined(groups, keys)
    if others or not keys or is_grouped_by_more or _sqla.is_limited(statement):
        raise StatementNotPageableError(
            "a join repeats the rows of this statement, and a collection is loaded by a join too: "
            "load the collection with selectinload(), or select one entity without a LIMIT"
        )
    if groups or _sqla.is_distinct(statement):
        return None
    if any(map(_sqla.is_textual, _sqla.order_by_of(statement))):
        raise StatementNotPageableError(
            "a join repeats the entities of this statement, and it is ordered by a text: "
            "order by columns, or load the collection with selectinload()"
        )
    return ParentPlan(ordered, keys)
