"""LEFT JOINs that change neither which rows there are nor how many, and so can be left out.

A LEFT JOIN keeps every row of its left side. Where it finds at most one row for each, since its ON
asks for a whole unique key, or where duplicates do not matter, it adds columns alone; and those
matter to nothing if nothing else in the statement speaks of them.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.selectable import (
    Alias,
    FromClause,
    Join,
    Lateral,
    TableClause,
    TableValuedAlias,
)

from . import _sqla
from ._sqla import AnySelect
from .identity import Facts


def without_outer_joins(
    statement: AnySelect,
    used: Iterable[ClauseElement],
    *,
    keeps_duplicates: bool,
    facts: Facts | None = None,
) -> AnySelect:
    """Return the statement without LEFT JOINs that it does not need; itself if it needs them all.

    Args:
        statement: without ORDER BY, or with one that `used` holds.
        used: the clauses that may speak of a joined table: WHERE and the joins need not be given.
        keeps_duplicates: whether it matters how often a row comes.
        facts: of a statement with the same joins, if there are any yet.
    """
    if _sqla.has_extension(statement):
        return statement
    clauses = [*used]
    if statement.whereclause is not None:
        clauses.append(statement.whereclause)
    while candidates := tuple(_sqla.without_each_outer_join(statement)):
        facts = Facts(statement) if facts is None else facts
        fewer = _fewest(candidates, clauses, facts, keeps_duplicates)
        if fewer is None:
            break
        statement, facts = fewer, None
    return statement


def _fewest(
    candidates: Sequence[AnySelect],
    used: Sequence[ClauseElement],
    facts: Facts,
    keeps_duplicates: bool,
) -> "AnySelect | None":
    """Return a candidate that lacks a join which is not needed; None if there is none."""
    joins = tuple(_sqla.joins_of(facts.sources))
    # A LATERAL, or the arguments of a function, may speak of what is joined.
    used = (*used, *(leaf for leaf in facts.leaves if not _is_table(leaf)))
    for join in joins:
        leaf = join.right
        is_needed = keeps_duplicates and not facts.finds_one(leaf)
        if is_needed or not _is_unneeded(join, joins, used):
            continue
        for candidate in candidates:
            bare = _sqla.without_source(candidate, leaf)
            if _lacks_only(join, facts.sources, bare):
                return bare
    return None


def _is_unneeded(join: Join, joins: Sequence[Join], used: Sequence[ClauseElement]) -> bool:
    """Tell whether it is a LEFT JOIN of one table that nothing speaks of but its own condition."""
    leaf = join.right
    if not join.isouter or join.full or isinstance(leaf, Join | Lateral):
        return False
    others = [other.onclause for other in joins if other is not join and other.onclause is not None]
    return not any(_speaks_of(clause, leaf) for clause in (*used, *others))


def _lacks_only(join: Join, sources: Sequence[FromClause], candidate: AnySelect) -> bool:
    """Tell whether a candidate selects from these sources, but for what is joined here."""
    try:
        after = _sqla.froms_of(candidate)
    except SQLAlchemyError:  # the next join has nothing left to join to
        return False
    leaves = [hash(leaf) for leaf in _sqla.leaves_of(sources) if hash(leaf) != hash(join.right)]
    if leaves != [hash(leaf) for leaf in _sqla.leaves_of(after)]:
        return False
    old = [one.onclause for one in _sqla.joins_of(sources) if one is not join]
    new = [one.onclause for one in _sqla.joins_of(after)]
    return len(old) == len(new) and all(
        one is other or (one is not None and other is not None and one.compare(other))
        for one, other in zip(old, new, strict=True)
    )


def _is_table(leaf: FromClause) -> bool:
    source: Any = leaf
    while isinstance(source, Alias) and not isinstance(source, TableValuedAlias):
        source = cast("Any", source).element
    return isinstance(source, TableClause)


def _speaks_of(clause: ClauseElement, leaf: FromClause) -> bool:
    """Tell whether a clause has a part of the table in it, or a text that may name one."""
    if clause is leaf:
        return False
    own = {hash(leaf), *map(hash, _sqla.columns_of(leaf))}
    return any(
        hash(part) in own or (_sqla.is_textual(part) and _sqla.ordinal_of(part) is None)
        for part in _sqla.parts_within(clause)
    )
