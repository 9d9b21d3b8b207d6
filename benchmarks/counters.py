"""What benchmarks share: the databases they run on, and counters of what a database reads."""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import repeat
from operator import length_hint
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import servers


class Counter:
    """Runs something on a connection, and counts what the database reads for its statements.

    `sent` has the statements of the last call, `details` what else the database said of them.
    """

    unit: str

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.sent: list[tuple[str, Any]] = []
        self.details: dict[str, int] = {}
        self.is_listening = False
        event.listen(connection, "before_cursor_execute", self._hear)

    def __call__(self, call: Callable[[], Any]) -> tuple[Any, int]:
        """Return what the call returns, and what was read."""
        self.sent.clear()
        self.details.clear()
        self.is_listening = True
        try:
            return self.counted(call)
        finally:
            self.is_listening = False

    def counted(self, call: Callable[[], Any]) -> tuple[Any, int]:
        raise NotImplementedError

    def _hear(
        self, connection: Any, cursor: Any, sql: str, values: Any, context: Any, many: bool
    ) -> None:
        if self.is_listening:
            self.sent.append((sql, values))


class Steps(Counter):
    unit = "steps of the virtual machine"

    def counted(self, call: Callable[[], Any]) -> tuple[Any, int]:
        raw: Any = self.connection.connection.dbapi_connection
        # Each step takes one zero: that runs no Python, and 0 is what lets SQLite go on.
        zeros = repeat(0, sys.maxsize)
        raw.set_progress_handler(zeros.__next__, 1)
        try:
            return call(), sys.maxsize - length_hint(zeros)
        finally:
            raw.set_progress_handler(None, 1)


class Buffers(Counter):
    unit = "shared buffers"

    def counted(self, call: Callable[[], Any]) -> tuple[Any, int]:
        result = call()
        self.is_listening = False
        return result, sum(self._buffers(sql, values) for sql, values in self.sent)

    def _buffers(self, sql: str, values: Any) -> int:
        if sql.startswith("EXPLAIN"):
            return 0  # it plans, and reads no rows
        raw: Any = self.connection.connection.dbapi_connection
        with raw.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", values)
            plan = cursor.fetchone()[0][0]["Plan"]
        found = {
            "sort kB": sum(_values_in(plan, "Sort Space Used")),
            "hash kB": sum(_values_in(plan, "Peak Memory Usage")),
            "temporary blocks read": plan["Temp Read Blocks"],
            "written": plan["Temp Written Blocks"],
        }
        for name, value in found.items():
            self.details[name] = self.details.get(name, 0) + value
        return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _values_in(plan: Any, name: str) -> Iterator[int]:
    """Yield what a plan says under a name, of each of its nodes and workers."""
    if isinstance(plan, list):
        for part in plan:
            yield from _values_in(part, name)
    if isinstance(plan, dict):
        if name in plan:
            yield plan[name]
        yield from _values_in(list(plan.values()), name)


class Reads(Counter):
    unit = "handler reads, and index entries passed over"
    others: Mapping[str, str] = {
        "Handler_tmp_write": "temporary rows",
        "Created_tmp_disk_tables": "tables on disk",
        "Sort_merge_passes": "merge passes",
    }

    def counted(self, call: Callable[[], Any]) -> tuple[Any, int]:
        raw: Any = self.connection.connection.dbapi_connection
        with raw.cursor() as cursor:
            cursor.execute("FLUSH STATUS")
        result = call()
        with raw.cursor() as cursor:
            cursor.execute(
                "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler%' "
                "OR Variable_name IN ('Created_tmp_disk_tables', 'Sort_merge_passes')"
            )
            status = {name: int(value) for name, value in cursor.fetchall()}
        self.details.update((shown, status[name]) for name, shown in self.others.items())
        # What an index condition refuses is read within the storage engine, and no handler read.
        passed = status["Handler_icp_attempts"] - status["Handler_icp_match"]
        reads = (n for name, n in status.items() if name.startswith("Handler_read"))
        return result, sum(reads) + passed


@contextmanager
def sqlite() -> Iterator[URL]:
    with tempfile.TemporaryDirectory() as folder:
        yield make_url(f"sqlite:///{folder}/benchmark.sqlite")


def mariadb() -> AbstractContextManager[URL]:
    """Run a server that holds its tables in memory, as the system does for the other databases."""
    return servers.mariadb("--innodb-buffer-pool-size=2G", "--innodb-log-file-size=512M")


DATABASES: dict[str, tuple[Callable[[], Any], str, type[Counter], str]] = {
    "sqlite": (sqlite, "sqlite+pysqlite", Steps, "select sqlite_version()"),
    "postgresql": (servers.postgresql, "postgresql+psycopg", Buffers, "SHOW server_version"),
    "mariadb": (mariadb, "mariadb+pymysql", Reads, "select version()"),
}


@contextmanager
def engine_of(database: str) -> Iterator[Engine]:
    """Serve a database, and yield an engine for it."""
    serve, driver, _, _ = DATABASES[database]
    with serve() as url:
        engine = create_engine(url.set(drivername=driver))
        try:
            yield engine
        finally:
            engine.dispose()
