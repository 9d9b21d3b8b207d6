"""The databases that the tests run on."""

from collections.abc import Iterator
from pathlib import Path

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
    params=[
        pytest.param(driver, marks=pytest.mark.xdist_group(driver)) for driver in MATRIX_DRIVERS
    ],
)
def filled(request: pytest.FixtureRequest, databases: dict[str, Database]) -> Iterator[Database]:
    """Each database through drivers of the profile, in turn, with the rows of `schema` in it."""
    database = database_of(request, databases, request.param)
    with database.tables(Base.metadata):
        with database.connect() as connection:
            for table, values in rows():
                connection.execute(insert(table), values)
        yield database
