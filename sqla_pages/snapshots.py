"""Whether two statements see the same rows: a text for what is seen, where a database has one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Dialect, String, Table, literal_column

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
_MYSQL: Final = ("mariadb", "mysql")


@dataclass(frozen=True, slots=True)
class Counted:
    """The number of all rows, and a text for what was seen of them; None if there is none."""

    rows: int
    snapshot: str | None = None


def snapshot_of(statement: AnySelect, dialect: Dialect) -> ColumnElement[str] | None:
    """Return an expression for what a statement sees of its tables; None if there is none.

    MariaDB and MySQL hold a snapshot of tables of InnoDB alone; a reflected table says if it is.
    """
    is_mariadb = dialect.name == "mysql" and getattr(dialect, "is_mariadb", False)
    text = _SNAPSHOT.get("mariadb" if is_mariadb else dialect.name)
    if text is None or (dialect.name in _MYSQL and not _are_of_innodb(_tables_of(statement))):
        return None
    return literal_column(text, String())


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
