"""What offset and cursor pages have in common: what can be paged, and what a page yields."""

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, cast

from sqlalchemy import CompoundSelect, Executable, Result, Select
from sqlalchemy.orm import FromStatement, Query
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.visitors import iterate

from . import _sqla
from ._sqla import AnySelect, Statement
from .errors import PageRequestError, StatementNotPageableError
from .expressions import has_window, is_one_row
from .ordering import sort_keys_of

T = TypeVar("T")

Pageable: TypeAlias = "Statement | Query[Any] | FromStatement[Any]"


class Step(NamedTuple):
    """A statement to run, and values of parameters that it does not hold itself."""

    statement: Executable
    parameters: Mapping[str, Any] = MappingProxyType({})


Steps: TypeAlias = Generator[Step, Result[Any], T]
"""Yields what to run, receives the results, and returns what it is for."""

MAX_OFFSET: Final = 2**63 - 1
"""The largest offset or limit that the databases take; a larger one is refused."""

MAX_LIMIT: Final = MAX_OFFSET - 1
"""The largest size of a page, of which one row more may be read."""

_OWN_NAME: Final = re.compile(r"_limit|_offset|_counted|_seen|_a\d+")


def statement_of(pageable: Pageable) -> "Statement":
    """Return the Select or CompoundSelect to page.

    Raises:
        StatementNotPageableError: it is neither, nor a legacy Query of one; or it also writes.
    """
    outer = from_statement_of(pageable)
    statement = selectable_of(pageable if outer is None else cast("Any", outer).element)
    refuse_writes(statement)
    return statement


def selectable_of(pageable: Pageable) -> Statement:
    """Return the Select or CompoundSelect that is given, or that a legacy Query is of.

    Raises:
        StatementNotPageableError: it is neither.
    """
    found: Any = _unwrapped(pageable)
    if not isinstance(found, Select | CompoundSelect):
        raise StatementNotPageableError(
            f"cannot page a {type(found).__name__}: pass a select(), a union or a Query; "
            "a text().columns() becomes one by select(text(...).columns(...).subquery())"
        )
    return found  # pyright: ignore[reportUnknownVariableType]


def refuse_writes(statement: Statement) -> None:
    """Refuse a statement that also writes.

    Raises:
        StatementNotPageableError: it does.
    """
    if any(isinstance(part, UpdateBase) for part in iterate(statement)):
        raise StatementNotPageableError(
            "a statement that also writes would write again for every page and count: "
            "run the INSERT, UPDATE or DELETE on its own"
        )


def refuse_own_names(statement: Statement) -> None:
    """Refuse a statement with a parameter that is named as one of its pages would be.

    Raises:
        StatementNotPageableError: it has one, which would take the value of the page's.
    """
    if any(map(_OWN_NAME.fullmatch, _sqla.parameter_names_of(statement))):
        raise StatementNotPageableError(
            "a parameter of this statement is named as pages name theirs, "
            "_limit, _offset, _counted, _seen or _a0: give it another name"
        )


def from_statement_of(pageable: Pageable) -> FromStatement[Any] | None:
    """Return what loads entities by `from_statement()`; None if nothing does."""
    statement = _unwrapped(pageable)
    return cast("FromStatement[Any]", statement) if isinstance(statement, FromStatement) else None


def _unwrapped(pageable: Pageable) -> Any:
    return cast("Any", pageable).statement if isinstance(pageable, Query) else pageable


def needs_subquery(statement: AnySelect) -> bool:
    """Tell whether a further condition would change what the rows of a statement are."""
    selected = _sqla.raw_columns_of(statement)
    keys = [key.expression for key in sort_keys_of(statement)]
    return bool(
        _sqla.is_limited(statement)
        or _sqla.distinct_on_of(statement)
        or _sqla.group_by_of(statement)
        or is_one_row(statement)
        or any(map(has_window, (*selected, *keys)))
    )


def whole_rows(pageable: Pageable) -> bool:
    """Tell whether it gives whole rows by itself: a legacy Query of several columns."""
    return isinstance(pageable, Query) and len(pageable.column_descriptions) > 1


def check_limit(limit: int, name: str = "limit") -> None:
    """Refuse a page size that is none.

    Raises:
        PageRequestError: a limit below one, or above what the databases take.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise PageRequestError(f"{name} must be from 1 to {MAX_LIMIT}, not {limit}")


def items_of(result: Result[Any], *, scalars: bool) -> Sequence[Any]:
    """Return the first element of each row, or each row as a mapping."""
    if _sqla.is_unique_demanded(result):
        result = result.unique()
    return result.scalars().all() if scalars else result.mappings().all()


@dataclass(frozen=True, slots=True)
class Hidden:
    """The hidden columns that rows end with, read of those rows alone that are asked for."""

    rows: Sequence[Sequence[Any]]
    number: int

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Sequence[Any]]:
        return (self[place] for place in range(len(self.rows)))

    def __getitem__(self, place: int) -> Sequence[Any]:
        row = self.rows[place]
        return row[len(row) - self.number :]


def items_and_hidden(
    result: Result[Any], hidden: int, *, scalars: bool
) -> tuple[Sequence[Any], Hidden]:
    """Return the items of a result, and the hidden columns that its rows end with."""
    if _sqla.is_unique_demanded(result):
        result = result.unique()
    if scalars:
        rows = result.all()
        return [row[0] for row in rows], Hidden(rows, hidden)
    frozen = result.freeze()
    rows = frozen().all()
    # Not by the names, since an unnamed alias has none.
    number = len(rows[0]) - hidden if rows else 0
    shown = frozen().columns(*range(number)).mappings().all() if rows else ()
    return shown, Hidden(rows, hidden)
