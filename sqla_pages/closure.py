"""What follows from what: the columns that are known where others are.

A column is *known* where rows that agree on the given expressions agree on it in every comparison.
It is *exact* where its values are the same: a text that is known may still differ in case. Only
what is made of exact columns is known too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Boolean, Date, DateTime, Integer, Time, Uuid
from sqlalchemy.sql.elements import ClauseElement

from . import _sqla
from .expressions import columns_in, is_plain, is_plain_column

# Values of these types that are equal are the same.
EXACT_TYPES = (Boolean, Date, DateTime, Integer, Time, Uuid)


@dataclass(frozen=True, slots=True)
class Rule:
    """Where the premise holds, the conclusion does; columns by their hash, as SQLAlchemy has it.

    `needs_exact`: the premise must be exact. `gives_exact`: the conclusion then is.
    """

    premise: frozenset[int]
    conclusion: frozenset[int]
    needs_exact: bool
    gives_exact: bool


@dataclass(frozen=True, slots=True)
class Closure:
    """The columns and expressions, by hash, that given ones determine."""

    known: frozenset[int] = field(default_factory=frozenset[int])
    exact: frozenset[int] = field(default_factory=frozenset[int])

    def has(self, expression: ClauseElement) -> bool:
        """Tell whether the value of an expression follows."""
        bare = _sqla.bare_of(expression)
        if hash(bare) in self.known:
            return True
        if is_plain_column(bare):
            return False
        return is_plain(bare) and all(hash(column) in self.exact for column, _ in columns_in(bare))


def closure_of(given: Iterable[ClauseElement], rules: Iterable[Rule]) -> Closure:
    """Return all that follows from the given expressions by the rules."""
    bare = [_sqla.bare_of(expression) for expression in given]
    known = set(map(hash, bare))
    exact = {hash(expression) for expression in bare if is_exact(expression)}
    waiting = list(rules)
    while applied := [r for r in waiting if r.premise <= (exact if r.needs_exact else known)]:
        for rule in applied:
            known |= rule.conclusion
            if rule.gives_exact:
                exact |= rule.conclusion
        waiting = [rule for rule in waiting if rule not in applied]
    return Closure(frozenset(known), frozenset(exact))


def is_exact(expression: ClauseElement) -> bool:
    """Tell whether equal values of an expression are the same."""
    return isinstance(getattr(expression, "type", None), EXACT_TYPES)
