"""What a statement gives without pages: its rows, in groups of equal sort keys.

SQL leaves open in which order the rows of a group come, and which of them a LIMIT takes that ends
in it. So rows are right if those in the places of a group are all of this group.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import RowMapping, inspect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from .loads import Loaded
from .statements import Drawn


@dataclass(frozen=True, eq=False)
class Expected:
    """The rows of a statement, in groups of equal sort keys, without its own LIMIT and OFFSET."""

    groups: tuple[tuple[Any, ...], ...]
    limit: int | None
    offset: int

    @property
    def length(self) -> int:
        """Return how many rows the statement has, under its own LIMIT and OFFSET."""
        left = max(sum(map(len, self.groups)) - self.offset, 0)
        return left if self.limit is None else min(left, self.limit)

    def fault_of(self, rows: Sequence[Any]) -> str | None:
        """Return what is wrong with rows that are to be those of the statement, if anything is."""
        if len(rows) != self.length:
            return f"{len(rows)} rows instead of {self.length}"
        start = -self.offset
        for group in self.groups:
            end = start + len(group)
            found = Counter(rows[max(start, 0) : max(end, 0)])
            if wrong := found - Counter(group):
                there = f"{max(start, 0)} to {end}"
                return f"rows {there}: there are {list(wrong)}, which is none of {group}"
            start = end
        return None


def expected_of(session: Session, drawn: Drawn) -> Expected:
    """Run the statement without pages."""
    result = session.execute(drawn.beside)
    names = list(result.keys())[: drawn.width]
    try:
        rows, is_unique = result.all(), False
    except InvalidRequestError:  # "The unique() method must be invoked on this Result"
        rows, is_unique = session.execute(drawn.beside).unique().all(), True
    found = []
    for row in rows:
        own = row[0] if drawn.scalars else tuple(zip(names, row[: drawn.width], strict=True))
        found.append((own, [row[n] for n in drawn.keys]))
    if is_unique:  # as SQLAlchemy asks for it: the first of equal rows stays
        seen: set[Any] = set()
        found = [(own, key) for own, key in found if not (own in seen or seen.add(own))]  # type: ignore[func-returns-value]
    grouped = groupby(found, key=lambda pair: pair[1])
    groups = tuple(tuple(_content(own, drawn.loaded) for own, _ in group) for _, group in grouped)
    session.expunge_all()
    return Expected(groups, drawn.limit, drawn.offset)


def unpaged(session: Session, drawn: Drawn) -> list[Any]:
    """Return the rows of the very statement."""

    def items(result: Any) -> Any:
        return result.scalars().all() if drawn.scalars else result.mappings().all()

    try:
        found = items(session.execute(drawn.statement))
    except InvalidRequestError:
        found = items(session.execute(drawn.statement).unique())
    return contents(session, drawn, found)


def contents(session: Session, drawn: Drawn, items: Any) -> list[Any]:
    """Return the items as something to compare, and let the session forget them."""
    found = [_content(item, drawn.loaded) for item in items]
    session.expunge_all()
    return found


def _content(item: Any, loaded: Loaded) -> Any:
    if isinstance(item, RowMapping):
        item = tuple(item.items())
    if isinstance(item, tuple):
        return tuple((name, _content(value, loaded)) for name, value in item)
    state = inspect(item, raiseerr=False)
    if state is None:
        return repr(item)
    return _entity_content(item, loaded, is_twice=loaded.is_reached_twice)


def _entity_content(entity: Any, loaded: Loaded, *, is_twice: bool) -> Any:
    state = inspect(entity)
    found: dict[str, Any] = {}
    for name in state.mapper.column_attrs.keys():  # noqa: SIM118
        if not is_twice:
            found[name] = repr(state.dict.get(name, "not loaded"))
        elif name not in loaded.deferred:
            found[name] = repr(state.dict.get(name))
    for name, further in loaded.relationships.items():
        if name not in state.dict:
            found[name] = "not loaded"
            continue
        value = state.dict[name]
        there = value if isinstance(value, list) else [value]
        parts = [_related_content(one, further, is_twice=is_twice) for one in there]
        found[name] = tuple(sorted(parts, key=str))
    return (type(entity).__name__, state.identity, tuple(sorted(found.items())))


def _related_content(entity: Any, loaded: Loaded, *, is_twice: bool) -> Any:
    if entity is None:
        return None
    if is_twice:
        return (type(entity).__name__, inspect(entity).identity)
    return _entity_content(entity, loaded, is_twice=False)
