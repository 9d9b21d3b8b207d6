"""The databases that the tests run on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, insert, make_url

from tests import servers
from tests.databases import DRIVERS, MATRIX_DRIVERS, Database, database_of
from tests.schema import Base, rows


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[URL]:
    with servers.postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[URL]:
    with servers.mariadb() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> URL:
    path: Path = tmp_path_factory.mktemp("sqlite") / "test.sqlite"
    return make_url(f"sqlite:///{path}")


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Iterator[dict[str, Database]]:
    made: dict[str, Database] = {}
    yield made
    for database in made.values():
        database.close()


@pytest.fixture(params=DRIVERS)
def database(request: pytest.FixtureRequest, databases: dict[str, Database]) -> Database:
    """Each database through each driver, in turn."""
    return database_of(request, databases, request.param)


@pytest.fixture(
    scope="module",
    params=MATRIX_DRIVERS,
)
def filled(request: pytest.FixtureRequest, databases: dict[str, Database]) -> Iterator[Database]:
    """Each database through drivers of the profile, in turn, with the rows of `schema` in it."""
    database = database_of(request, databases, request.param)
    with database.tables(Base.metadata):
        with database.connect() as connection:
            for table, values in rows():
                connection.execute(insert(table), values)
        yield database


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let one process run all tests of a file through a driver, and any process the others."""
    from xdist.scheduler import LoadScopeScheduling

    # Not by xdist_group, which pytest 9.2 loses: https://github.com/pytest-dev/pytest-xdist/issues/1386
    class ByFileAndDriver(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file, _, test = nodeid.partition("::")
            drivers = [driver for driver in DRIVERS if driver in test]
            return f"{file} {max(drivers, key=len)}" if drivers else nodeid

    return ByFileAndDriver(config, log)
