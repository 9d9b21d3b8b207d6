"""Sessions, results and errors."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from typing import Any, Final

from sqlalchemy import (
    Connection,
    Engine,
    Result,
)
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import (
    FromStatement,
    Session,
)
from sqlalchemy.sql.elements import ClauseElement

from .elements import Statement

# https://mariadb.com/kb/en/mariadb-error-code-reference: ER_INVALID_CHARACTER_STRING, and
# ER_ILLEGAL_PARAMETER_DATA_TYPES2_FOR_OPERATION, which is "no operator for such types"
_OF_MARIADB: Final = (1300, 4078)


def bind_of(
    session: Session | Connection, statement: "Statement | FromStatement[Any]"
) -> Engine | Connection:
    """Return what the session would run the statement on."""
    if isinstance(session, Connection):
        return session
    subject = statement._propagate_attrs.get("plugin_subject")
    return session.get_bind(mapper=subject.mapper if subject else None, clause=statement)


def has_listeners(session: Session) -> bool:
    """Tell whether anything listens to what a session executes."""
    return bool(session.dispatch.do_orm_execute)


def with_subject_of(clause: ClauseElement, statement: Statement) -> None:
    """Let a session find the bind of a clause as it finds that of a statement."""
    subject = statement._propagate_attrs.get("plugin_subject")
    if subject is not None:
        clause._propagate_attrs = clause._propagate_attrs.union({"plugin_subject": subject})


def is_fault_of_values(error: Exception) -> bool:
    """Tell whether a database or driver refused the values of parameters.

    These are the SQL states of class 22, data exception, and 42883 and 42804, no operator for such
    types; drivers that refuse a value themselves give none.
    """
    if not isinstance(error, DBAPIError):
        return isinstance(error, ValueError | OverflowError)
    if any(code in _OF_MARIADB for code in getattr(error.orig, "args", ())[:1]):
        return True
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    if state is None:
        cause = error.orig.__cause__ if error.orig is not None else None
        return isinstance(error, DataError) or isinstance(cause, ValueError)
    return str(state).startswith("22") or state in ("42883", "42804")


def is_unique_demanded(result: Result[Any]) -> bool:
    """Tell whether a collection was loaded eagerly by a join, so that entities come repeatedly."""
    return result._unique_filter_state is not None
