"""Why pages of a statement may be wrong, found out by asking the database again."""

from collections import Counter

from ..cursor_plan import cursor_plan
from ..errors import DialectNotSupportedError, StatementNotPageableError
from ..execute import AnySession, dialect_of
from ..explain import plan_page
from ..plan import Pageable, from_statement_of, items_and_hidden, statement_of
from .differences import Expected
from .rows import keys_of
from .unpaged import rows_of

_UNKNOWN = (
    "not found: please report it, with the statement, its tables and "
    "print(plan_page(statement, dialect))"
)


def likely_cause(
    session: AnySession, pageable: Pageable, expected: Expected, *, scalars: bool
) -> str:
    """Return why the pages of a statement may not be its rows, in a sentence."""
    again = rows_of(session, pageable, scalars=scalars)
    if Counter(again) != Counter(expected.rows):
        return (
            "the statement returns other rows each time: somebody writes meanwhile (read in "
            "REPEATABLE READ), or it calls a function like random() or now()"
        )
    return _ambiguous(session, pageable, scalars=scalars) or _UNKNOWN


def _ambiguous(session: AnySession, pageable: Pageable, *, scalars: bool) -> str | None:
    """Say what should tell rows apart and does not, if so."""
    statement, dialect = statement_of(pageable), dialect_of(session, pageable)
    try:
        plan = cursor_plan(statement, dialect, from_statement_of(pageable))
        shown = plan_page(pageable, dialect)
    except (StatementNotPageableError, DialectNotSupportedError):
        return None
    # All rows, with the values that cursors would carry.
    every = plan.page(None, 2**31 - 1)
    result = session.execute(every.statement, every.parameters)
    _, keysets = items_and_hidden(result, len(plan.keys), scalars=scalars)
    by = ", ".join(shown.order)
    for place, key in enumerate(plan.keys):
        if not key.nullable and any(keyset[place] is None for keyset in keysets):
            return f"{shown.order[place]} is declared NOT NULL, and is NULL in some rows"
    if len(set(keys_of(map(tuple, keysets)))) < len(keysets):
        return (
            f"rows are equal in all of ({by}), by which pages tell them apart: a primary key or a "
            "unique column is declared that is not unique in the database, as may be in the "
            "mapping of a view; declare one that is"
        )
    return None
