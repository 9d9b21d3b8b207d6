"""Knows the connections on which each statement is committed by itself."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, Engine

_OPTION: Final = "sqla_session_autocommit"


def is_autocommit(arguments: Mapping[str, Any]) -> bool:
    """Tell whether these arguments, of `create_engine` or execution options, ask for it."""
    return str(arguments.get("isolation_level")).upper() == "AUTOCOMMIT"


def mark(engine: Engine) -> None:
    """Let the connections of an engine tell, as SQLAlchemy does not in public."""
    engine.update_execution_options(**{_OPTION: True})


def commits_by_itself(connection: Connection) -> bool:
    """Tell whether there is no transaction around the statements of a connection."""
    options = connection.get_execution_options()
    if "isolation_level" in options:
        return is_autocommit(options)
    return bool(options.get(_OPTION))
