"""Deep offsets: pages found by their keys alone, counted from whichever end is nearer.

OFFSET reads all rows before the page. A deferred join lets it read no more of them than the keys:

    SELECT t.* FROM t, (SELECT id FROM t ORDER BY a, id LIMIT 10 OFFSET 100000) AS page
    WHERE t.id = page.id ORDER BY t.a, t.id

Turned round, the inner statement sorts the other way and skips the rows behind the page, whose
number follows from the exact total. The rows and their order are the same.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    String,
    Subquery,
    and_,
    bindparam,
    case,
)

from . import _sqla
from ._sqla import AnySelect, Loading
from .expressions import columns_in, has_outer_aggregate, has_unknown_function, is_plain
from .identity import Facts
from .ordering import SortKey, sort_keys_of
from .outer_joins import without_outer_joins
from .plan import needs_subquery
from .repeats import filters_late
from .snapshots import Counted

_DEFER_FROM: Final = {"sqlite": 10_000}
_DEFER_FROM_ELSEWHERE: Final = 1_000

TURN_FROM: Final = 10_000
"""The offset from which the total is asked for first, to see from which end the page is nearer."""

COUNTED: Final = "_counted"
SEEN: Final = "_seen"

_TOTAL: Final = "_total"

_KEY: Final = "_e{}"

# The part of the rows behind which turning round pays, though they may have to be counted twice.
# A snapshot that MariaDB or MySQL holds saves that; without one, they count as slowly as they skip.
_TURN_BEHIND: Final = 0.75
_TURN_BEHIND_HELD: Final = {"mariadb": 0.5, "mysql": 0.5}
_TURN_BEHIND_UNHELD: Final = {"mariadb": 1.0, "mysql": 1.0}


@dataclass(frozen=True, slots=True)
class DeepOffset:
    """What is done about deep offsets: each is True to force it, False to forbid it.

    None leaves it to the planner, which does it where it pays and is proved to change no page.

    Attributes:
        defer: find the rows by their keys, and join the rest to them.
        turn: with an `ExactCount`, count from the end where that is nearer. Forced, it is done at
            any offset; it comes with a deferred join.

    Raises:
        ValueError: turning is forced where deferring is forbidden.

    Example:
        >>> from sqla_pages import DeepOffset, Pagination
        >>> dependency = Pagination(deep=DeepOffset(turn=False))
    """

    defer: bool | None = None
    turn: bool | None = None

    def __post_init__(self) -> None:
        """Check that one does not exclude the other."""
        if self.turn and self.defer is False:
            raise ValueError("turning round needs a deferred join: do not forbid it")


@dataclass(frozen=True, slots=True, eq=False)
class Deferral:
    """How pages of a statement are found by the keys of their rows.

    `ordered` is the statement under its total order, `order` its sort keys, and `identity` columns
    that tell its rows apart and are never NULL. `filters` are conditions of its eager loads, and
    `facts` are those of the statement.
    """

    ordered: AnySelect
    order: tuple[SortKey, ...]
    identity: tuple[ColumnElement[Any], ...]
    filters: tuple[ColumnElement[bool], ...]
    facts: Facts

    @property
    def pays(self) -> bool:
        """Whether more is selected than what the keys give already."""
        expressions = (*self.identity, *(key.expression for key in self.order))
        known = {hash(column) for key in expressions for column, _ in columns_in(key)}
        selected = self.ordered.selected_columns
        return any(hash(_sqla.bare_of(column)) not in known for column in selected)

    def page(self, limit: ColumnElement[int], offset: ColumnElement[int]) -> AnySelect:
        """Return the `limit` rows behind the first `offset` rows."""
        return self._joined(self._keys(limit, offset, flipped=False))

    def turned(
        self,
        limit: ColumnElement[int],
        behind: ColumnElement[int],
        count: AnySelect,
        seen: ColumnElement[str] | None,
    ) -> AnySelect:
        """Return the `limit` rows before the last rows, each with the total it is right for.

        Args:
            limit: rows of the page.
            behind: rows after the page.
            count: the statement that counts all rows.
            seen: what the page sees, if the count is not to be run where it saw the same. The
                parameters `COUNTED` and `SEEN` are then what was counted, and what it saw.
        """
        total: ColumnElement[Any] = count.correlate(None).scalar_subquery()
        if seen is not None:
            known = seen == bindparam(SEEN, type_=String())
            total = case((known, bindparam(COUNTED, type_=BigInteger())), else_=total)
        return self._joined(self._keys(limit, behind, flipped=True)).add_columns(
            total.label(_TOTAL)
        )

    def _keys(
        self, limit: ColumnElement[int], offset: ColumnElement[int], *, flipped: bool
    ) -> Subquery:
        bare = _sqla.without_loading(self.ordered.order_by(None)).where(*self.filters)
        labels = (column.label(_KEY.format(n)) for n, column in enumerate(self.identity))
        keys = _sqla.with_columns(bare, *labels)
        order = [key.clause(flipped=flipped) for key in self.order]
        used = (*self.identity, *order)
        keys = without_outer_joins(keys, used, keeps_duplicates=True, facts=self.facts)
        return keys.order_by(*order).limit(limit).offset(offset).subquery()

    def _joined(self, page: Subquery) -> AnySelect:
        own = (page.c[_KEY.format(n)] == column for n, column in enumerate(self.identity))
        return self.ordered.where(and_(*own))


def defers_from(dialect: Dialect) -> int:
    """Return the offset from which a deferred join pays."""
    return _DEFER_FROM.get(dialect.name, _DEFER_FROM_ELSEWHERE)


def turns_behind(dialect: Dialect, counted: Counted) -> float:
    """Return the part of all rows behind which turning round pays."""
    known = _TURN_BEHIND_UNHELD if counted.snapshot is None else _TURN_BEHIND_HELD
    return known.get(dialect.name, _TURN_BEHIND)


def deferral_of(ordered: AnySelect, facts: Facts, loading: Loading) -> "Deferral | str":
    """Return how pages of a statement are found by keys; or a text, why they cannot be.

    Args:
        ordered: the statement under its total order, without a LIMIT.
        facts: of the statement.
        loading: of the statement.
    """
    if needs_subquery(ordered) or _sqla.is_distinct(ordered) or has_outer_aggregate(ordered):
        return "it has DISTINCT, GROUP BY, an aggregate, a window or a LIMIT"
    if _sqla.is_locking(ordered) or _sqla.has_extension(ordered):
        return "it is locking, or has a prefix or suffix"
    if _sqla.has_joined_entities(ordered):
        return "criteria of entities in select_from(join(...)) depend on what is selected"
    if loading.repeats and loading.from_joins:
        return "it loads a collection from its own joins"
    conditions = [join.onclause for join in _sqla.joins_of(facts.sources)]
    filters = [clause for clause in (ordered.whereclause, *conditions) if clause is not None]
    if any(map(has_unknown_function, (*filters, *facts.leaves))):
        return "it selects by a function that is not known to be the same at every call"
    identity = facts.missing(())
    if not identity or facts.identity is None or not facts.identity.is_certain:
        return "nothing is known to tell its rows apart"
    if facts.has_full_join or any(map(facts.is_nullable, identity)):
        return "what tells its rows apart may be NULL"
    order = tuple(sort_keys_of(ordered))
    if any(_sqla.is_text(key.expression) or not is_plain(key.expression) for key in order):
        return "it is ordered by a text, a subquery or an unknown function"
    # What is filtered late has become conditions of the statement already.
    late = filters_late(ordered, loading)
    return Deferral(ordered, order, identity, () if late else loading.filters, facts)
