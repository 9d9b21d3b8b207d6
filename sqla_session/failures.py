"""What failed statements and commits leave behind on their connections, and how it is undone.

SQLAlchemy takes a transaction for ended as soon as its commit was tried, and gives the connection
back to its pool without a rollback, even if the commit has failed. SQLite then still holds its
lock, and PostgreSQL refuses the next statement.
"""

from contextlib import suppress

from sqlalchemy import Connection, Engine, event, select
from sqlalchemy.engine import ExceptionContext


def watch(engine: Engine) -> None:
    """Undo what failures leave behind on the connections of an engine."""
    event.listen(engine, "handle_error", _handle)


def check(connection: Connection) -> None:
    """Fail where a commit would, because a statement has failed and nothing was rolled back."""
    if event.contains(connection, "commit", _try):
        _try(connection)


def _handle(context: ExceptionContext) -> None:
    connection = context.connection
    if connection is None or context.is_disconnect:
        return
    if context.statement is None:
        _undo(connection)
    else:
        # PostgreSQL answers the COMMIT of a transaction with a failed statement by rolling back,
        # without an error: where the failure was caught, the work would be lost silently. Another
        # statement fails, unless there was a rollback to a savepoint.
        event.listen(connection, "commit", _try)


def _try(connection: Connection) -> None:
    try:
        connection.execute(select(1))
    except Exception:
        _undo(connection)
        raise


def _undo(connection: Connection) -> None:
    """Roll back by the driver, or give the connection up; what failed is raised already."""
    try:
        connection.connection.rollback()
    except Exception:
        with suppress(Exception):
            connection.invalidate()
