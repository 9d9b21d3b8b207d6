"""Whether two statements see the same rows: a text for what is seen, where a database has one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, String, Table
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from . import _sqla
from ._sqla import AnySelect

# Where such a text is the same in two statements, and not NULL, they see the same rows.
# https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
# https://mariadb.com/kb/en/set-transaction/
_HELD: Final = (
    "CASE WHEN @@autocommit = 0 AND @@{} IN ('REPEATABLE-READ', 'SERIALIZABLE') THEN 'held' END"
)
_SNAPSHOT: Final = {
    # A standby does not say which transactions are still running.
    "postgresql": (
        "CASE WHEN NOT pg_is_in_recovery() THEN CAST(txid_current_snapshot() AS TEXT) END"
    ),
    "mariadb": _HELD.format("tx_isolation"),
    "mysql": _HELD.format("transaction_isolation"),
}
_OF_INNODB: Final = ("mariadb", "mysql")


@dataclass(frozen=True, slots=True)
class Counted:
    """The number of all rows, and a text for what was seen of them; None if there is none."""

    rows: int
    snapshot: str | None = None


class snapshot(ColumnElement[str]):  # noqa: N801  (a clause, as SQLAlchemy names its own)
    """The text for what a statement sees of its tables."""

    __visit_name__ = "snapshot"
    _traverse_internals = []  # noqa: RUF012
    inherit_cache = True
    type = String()


@compiles(snapshot)
def _compile(_: snapshot, compiler: SQLCompiler, **__: Any) -> str:
    # Whether what is called MySQL is MariaDB is known only when there is a connection.
    is_mariadb = getattr(compiler.dialect, "is_mariadb", False)
    # Who prints the statement may name no dialect.
    return _SNAPSHOT.get("mariadb" if is_mariadb else compiler.dialect.name, "snapshot()")


def snapshot_of(statement: AnySelect, dialect: str) -> ColumnElement[str] | None:
    """Return an expression for what a statement sees of its tables; None if there is none.

    MariaDB and MySQL hold a snapshot of tables of InnoDB alone; a reflected table says if it is.

    Args:
        statement: a select() of the tables.
        dialect: the name of the database's dialect.
    """
    if dialect not in _SNAPSHOT:
        return None
    if dialect in _OF_INNODB and not _are_of_innodb(_tables_of(statement)):
        return None
    return snapshot()


def with_snapshot(count: AnySelect, snapshot: ColumnElement[str] | None) -> AnySelect:
    """Return the count with what it sees: the two of a `Counted`.

    SQLite, which has none, counts a table at once only if nothing is selected beside.
    """
    return count if snapshot is None else count.add_columns(snapshot.label("_snapshot"))


def _tables_of(statement: AnySelect) -> list[Table]:
    clauses = (statement, *_sqla.leaves_of(_sqla.froms_of(statement)))
    return [
        part for clause in clauses for part in _sqla.parts_within(clause) if isinstance(part, Table)
    ]


def _are_of_innodb(tables: Iterable[Table]) -> bool:
    engines = [
        str(table.kwargs.get("mysql_engine") or table.kwargs.get("mariadb_engine")).lower()
        for table in tables
    ]
    return bool(engines) and set(engines) == {"innodb"}
