"""The pytest plugin, in projects of their own, seen from outside of their runs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import (
    URL,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    inspect,
    make_url,
    select,
    text,
)

from .databases import ASYNC_DRIVERS, IS_FULL, SYNC_DRIVERS, Database, database_of

METADATA = MetaData()
ANIMALS = Table(
    "plugin_animal",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(20), nullable=False, unique=True),
)

INI = """
[pytest]
filterwarnings =
    error
    ignore:\\s*.*You probably want to use `session.exec:DeprecationWarning
    ignore:The anyio.abc.BlockingPortal alias:DeprecationWarning
"""

APPLICATION = """
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import select
from sqla_session import (
    AsyncSession, AsyncSessionDependency, Base, Session, SessionDependency, SqlaAsyncSession,
    SqlaSession, setup,
)

OtherSession = Annotated[SqlaSession, Depends(SessionDependency("other"))]
OtherAsyncSession = Annotated[SqlaAsyncSession, Depends(AsyncSessionDependency("other"))]


class Animal(Base):
    __tablename__ = "plugin_animal"


app = FastAPI()
setup(app)


@app.get("/sync")
def read(session: Session) -> list[str]:
    return sorted(session.scalars(select(Animal.name)))


@app.post("/sync/{name}", status_code=201)
def write(name: str, session: Session):
    session.add(Animal(name=name))


@app.post("/sync/{name}/conflict")
def conflict(name: str, session: Session):
    session.add(Animal(name=name))
    session.flush()
    raise HTTPException(409)


@app.post("/sync/{name}/both")
def both(name: str, session: Session, other: OtherSession):
    session.add(Animal(name=name))
    session.flush()
    with other.begin_nested():
        other.add(Animal(name=name + "-other"))
    session.commit()
    other.commit()


@app.post("/sync/{name}/audited")
def audited(name: str, session: Session, other: OtherSession):
    session.scalars(select(Animal.name)).all()
    other.add(Animal(name="audit"))
    other.commit()
    session.add(Animal(name=name))
    session.flush()
    raise HTTPException(409)


@app.get("/async")
async def async_read(session: AsyncSession) -> list[str]:
    return sorted(await session.scalars(select(Animal.name)))


@app.post("/async/{name}", status_code=201)
async def async_write(name: str, session: AsyncSession):
    session.add(Animal(name=name))


@app.post("/async/{name}/conflict")
async def async_conflict(name: str, session: AsyncSession):
    session.add(Animal(name=name))
    await session.flush()
    raise HTTPException(409)


@app.post("/async/{name}/both")
async def async_both(name: str, session: AsyncSession, other: OtherAsyncSession):
    session.add(Animal(name=name))
    await session.flush()
    async with other.begin_nested():
        other.add(Animal(name=name + "-other"))
    await session.commit()
    await other.commit()


@app.post("/async/{name}/audited")
async def async_audited(name: str, session: AsyncSession, other: OtherAsyncSession):
    await session.scalars(select(Animal.name))
    other.add(Animal(name="audit"))
    await other.commit()
    session.add(Animal(name=name))
    await session.flush()
    raise HTTPException(409)
"""

CONFTEST = """
import pytest
from sqlalchemy import select


@pytest.fixture(scope="session")
def db_url():
    return {0!r}


@pytest.fixture(scope="session")
def async_sqlalchemy_url(async_sqlalchemy_url):
    return {1!r} or async_sqlalchemy_url


@pytest.fixture
def sqla_modules():
    import application


@pytest.fixture
def client(session):
    from fastapi.testclient import TestClient

    from application import app

    with TestClient(app) as client:
        yield client
"""

SYNC_TESTS = """
import pytest
from sqlalchemy import create_engine, select, text

from application import Animal
from sqla_session import SqlaSession, open_session


def names(session):
    return sorted(session.scalars(select(Animal.name)))


def test_commits_are_seen_by_both_sides_and_by_nobody_else(session, client, db_url):
    assert isinstance(session, SqlaSession)
    session.add(Animal(name="cat"))
    session.commit()
    assert client.post("/sync/dog").status_code == 201

    assert client.get("/sync").json() == ["cat", "dog"]
    assert names(session) == ["cat", "dog"]
    with open_session() as third:
        assert names(third) == ["cat", "dog"]
    engine = create_engine(db_url)
    with engine.connect() as outside:
        assert outside.scalar(text("SELECT count(*) FROM plugin_animal")) == 0
    engine.dispose()


@pytest.mark.parametrize("again", [1, 2])
def test_begins_with_nothing(session, client, again):
    assert client.get("/sync").json() == []
    assert client.post("/sync/dog").status_code == 201


def test_an_error_rolls_back_its_own_request_only(session, client):
    assert client.post("/sync/dog").status_code == 201
    assert client.post("/sync/cat/conflict").status_code == 409
    assert names(session) == ["dog"]


def test_a_failed_commit_is_a_500_and_rolls_back(session, client):
    assert client.post("/sync/dog").status_code == 201
    assert client.post("/sync/dog").status_code == 500
    assert client.post("/sync/cat").status_code == 201
    assert names(session) == ["cat", "dog"]


def test_the_session_can_roll_back_without_the_request_s_rows(session, client):
    assert names(session) == []
    client.post("/sync/dog")
    session.rollback()
    assert names(session) == ["dog"]


def test_the_session_need_not_be_committed(session, client):
    session.add(Animal(name="cat"))
    assert names(session) == ["cat"]
    assert client.post("/sync/dog").status_code == 201
"""

SYNC_KEYED_TESTS = """
from sqlalchemy import select

from application import Animal


def test_keyed_sessions_commit_in_any_order(session, client):
    assert client.post("/sync/dog/both").status_code == 200
    assert sorted(session.scalars(select(Animal.name))) == ["dog", "dog-other"]


def test_a_409_keeps_what_another_session_committed(session, client):
    assert client.post("/sync/dog/audited").status_code == 409
    assert session.scalars(select(Animal.name)).all() == ["audit"]
"""

ASYNC_TESTS = """
import asyncio

import httpx
import pytest
from sqlalchemy import create_engine, select, text

from application import Animal, app
from sqla_session import SqlaAsyncSession, lifespan, open_async_session

MARKS = {marks}
pytestmark = [getattr(pytest.mark, mark) for mark in MARKS]
{header}


@pytest.fixture(name="other_fixture")
def _(async_session):
    return async_session


async def names(session):
    return sorted(await session.scalars(select(Animal.name)))


def new_client():
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def test_commits_are_seen_by_both_sides_only(async_session, other_fixture, db_url):
    assert isinstance(async_session, SqlaAsyncSession) and async_session is other_fixture
    async with lifespan(app), new_client() as client:
        cat = Animal(name="cat")
        async_session.add(cat)
        await async_session.commit()
        assert cat.name == "cat"
        assert (await client.post("/async/dog")).status_code == 201

        assert (await client.get("/async")).json() == ["cat", "dog"]
        assert await names(async_session) == ["cat", "dog"]
        async with open_async_session() as third:
            assert await names(third) == ["cat", "dog"]
    engine = create_engine(db_url)
    with engine.connect() as outside:
        assert outside.scalar(text("SELECT count(*) FROM plugin_animal")) == 0
    engine.dispose()


@pytest.mark.parametrize("again", [1, 2])
async def test_begins_with_nothing(async_session, again):
    async with lifespan(app), new_client() as client:
        assert (await client.get("/async")).json() == []
        assert (await client.post("/async/dog")).status_code == 201


async def test_errors_roll_back_their_own_request_only(async_session):
    async with lifespan(app), new_client() as client:
        assert (await client.post("/async/dog")).status_code == 201
        assert (await client.post("/async/cat/conflict")).status_code == 409
        assert (await client.post("/async/dog")).status_code == 500
    assert await names(async_session) == ["dog"]


async def test_the_session_can_roll_back_without_the_request_s_rows(async_session):
    assert await names(async_session) == []
    async with lifespan(app), new_client() as client:
        await client.post("/async/dog")
    await async_session.rollback()
    assert await names(async_session) == ["dog"]


async def test_the_session_need_not_be_committed(async_session):
    async_session.add(Animal(name="cat"))
    assert await names(async_session) == ["cat"]
    async with lifespan(app), new_client() as client:
        assert (await client.post("/async/dog")).status_code == 201
"""

ASYNC_KEYED_TESTS = """

async def test_keyed_sessions_commit_in_any_order(async_session):
    async with lifespan(app), new_client() as client:
        assert (await client.post("/async/dog/both")).status_code == 200
    assert await names(async_session) == ["dog", "dog-other"]


async def test_a_409_keeps_what_another_session_committed(async_session):
    async with lifespan(app), new_client() as client:
        assert (await client.post("/async/dog/audited")).status_code == 409
    assert await names(async_session) == ["audit"]
"""

ASYNC_FIXTURE_TESTS = """
import pytest
import pytest_asyncio
from sqlalchemy import select

from application import Animal
from sqla_session import open_async_session


@pytest.fixture
def anyio_backend():
    return "asyncio"


@{fixture}
async def cat(async_session):
    cat = Animal(name="cat")
    async_session.add(cat)
    await async_session.commit()
    return cat


@pytest.mark.{mark}
async def test_the_row_of_a_fixture_is_seen(cat, async_session):
    async with open_async_session() as session:
        assert (await session.get(Animal, cat.id)).name == "cat"
"""

BOTH_TESTS = """
import httpx
import pytest
from sqlalchemy import select

from application import Animal, app
from sqla_session import lifespan

pytestmark = pytest.mark.asyncio


async def both(session, async_session):
    session.add(Animal(name="cat"))
    session.commit()
    async_session.add(Animal(name="dog"))
    await async_session.commit()
    transport = httpx.ASGITransport(app)
    async with lifespan(app), httpx.AsyncClient(transport=transport, base_url="http://a") as client:
        assert (await client.get("/sync")).json() == ["cat"]
        assert (await client.get("/async")).json() == ["dog"]
        await client.post("/sync/fox")
        await client.post("/async/fly")
    assert session.scalars(select(Animal.name).order_by(Animal.name)).all() == ["cat", "fox"]
    assert (await async_session.scalars(select(Animal.name))).all() == ["dog", "fly"]


async def test_sync_first(session, async_session):
    await both(session, async_session)


async def test_async_first(async_session, session):
    await both(session, async_session)
"""

STARTED_BEFORE_TESTS = """
import pytest
from fastapi.testclient import TestClient

from application import app


@pytest.fixture(scope="module")
def client():
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize("again", [1, 2])
def test_it(client, session, again):
    assert client.get("/sync").json() == []
    assert client.post("/sync/dog").status_code == 201
    assert client.post("/sync/cat/both").status_code == 200
    assert client.get("/sync").json() == ["cat", "cat-other", "dog"]
"""

UNPATCHED_TESTS = """
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from application import Animal, app

pytestmark = pytest.mark.dont_patch_engines


def test_sync(session):
    session.add(Animal(name="cat"))
    session.commit()
    with TestClient(app) as client:
        assert client.post("/sync/dog").status_code == 201
    assert session.scalars(select(Animal.name).order_by(Animal.name)).all() == ["cat", "dog"]


@pytest.mark.asyncio
async def test_async(async_session):
    async_session.add(Animal(name="async"))
    await async_session.commit()
"""

ENVIRONMENT = """
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config


def migrate(connection):
    context.configure(connection=connection, version_table="plugin_version")
    with context.begin_transaction():
        context.run_migrations()


if config.attributes.get("connection") is not None:
    migrate(config.attributes["connection"])
else:
    engine = engine_from_config(
        config.get_section(config.config_ini_section), poolclass=pool.NullPool
    )
    with engine.connect() as connection:
        migrate(connection)
"""

REVISION = """
import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None


def upgrade():
    op.create_table(
        "plugin_animal",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(20), nullable=False),
    )


def downgrade():
    op.drop_table("plugin_animal")
"""

MIGRATED_TESTS = """
import pytest
from sqlalchemy import select

from application import Animal

pytestmark = pytest.mark.usefixtures("db_migration")


@pytest.mark.parametrize("again", [1, 2])
def test_it(session, client, again):
    assert client.get("/sync").json() == []
    assert client.post("/sync/dog").status_code == 201
    assert session.scalars(select(Animal.name)).all() == ["dog"]
"""

ANYIO_BACKEND = """

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""


# Plugins that take as long to load as all else.
UNUSED = [
    option
    for name in ("hypothesispytest", "xdist", "pytest_cov")
    for option in ("-p", f"no:{name}")
]


@dataclass(frozen=True)
class Project:
    """A folder with tests, run by a pytest of its own.

    Not `pytester`, which drops from this process every module imported meanwhile: drivers too.
    """

    path: Path

    def write(self, **modules: str) -> None:
        for name, source in modules.items():
            (self.path / f"{name}.py").write_text(source)

    def write_application(self, sync_url: URL, async_url: URL | None = None) -> None:
        urls = (url and url.render_as_string(hide_password=False) for url in (sync_url, async_url))
        self.write(application=APPLICATION, conftest=CONFTEST.format(*urls))

    def run(self, *arguments: str, passed: int = 0, **variables: str) -> str:
        """Run pytest, every warning an error; return what it printed."""
        (self.path / "pytest.ini").write_text(INI)
        asyncio = ["-o", "asyncio_default_fixture_loop_scope=function"]
        asyncio = [] if "no:asyncio" in arguments else asyncio
        ignored = ("pytest_", "sqlalchemy_", "fastapi_sqla_", "ci")
        environment = {n: v for n, v in os.environ.items() if not n.lower().startswith(ignored)}
        output = subprocess.run(
            [sys.executable, "-m", "pytest", "--strict-markers", *UNUSED, *asyncio, *arguments],
            cwd=self.path,
            env=environment | variables,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
        ).stdout
        outcomes = pytest.RunResult.parse_summary_nouns(output.splitlines())
        assert not passed or outcomes == {"passed": passed}, output
        return output


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@contextmanager
def untouched(database: Database) -> Iterator[None]:
    """Have an empty table, and see that it still is when the block has ended."""
    with database.tables(METADATA):
        yield
        assert rows(database) == []


def rows(database: Database) -> list[str]:
    with database.connect() as connection:
        return sorted(connection.scalars(select(ANIMALS.c.name)))


def async_url_of(database: Database) -> URL:
    """Return the URL of the same database through its first asyncio driver."""
    driver = next(name for name in ASYNC_DRIVERS if name.startswith(database.backend))
    return database.url.set(drivername=driver)


def keys(database: Database) -> dict[str, str]:
    """Return the variables of the keys `default` and `other`."""
    names = ("sqlalchemy_url", "fastapi_sqla__other__sqlalchemy_url")
    return dict.fromkeys(names, database.url_text)


@pytest.fixture(params=[name for name in SYNC_DRIVERS if IS_FULL or name != "postgresql+psycopg2"])
def sync_database(request: pytest.FixtureRequest, databases: dict[str, Database]) -> Database:
    return database_of(request, databases, request.param)


@pytest.fixture(params=[name for name in ASYNC_DRIVERS if IS_FULL or "psycopg" not in name])
def async_database(request: pytest.FixtureRequest, databases: dict[str, Database]) -> Database:
    return database_of(request, databases, request.param)


@pytest.fixture
def sqlite(request: pytest.FixtureRequest, databases: dict[str, Database]) -> Database:
    return database_of(request, databases, "sqlite+pysqlite")


@pytest.fixture
def postgresql(request: pytest.FixtureRequest, databases: dict[str, Database]) -> Database:
    return database_of(request, databases, "postgresql+psycopg")


def test_a_sync_application_writes_nothing(project: Project, sync_database: Database) -> None:
    project.write_application(sync_database.url)
    project.write(test_it=SYNC_TESTS, test_keyed=SYNC_KEYED_TESTS)

    with untouched(sync_database):
        project.run(passed=9, **keys(sync_database))


def test_an_asyncio_application_writes_nothing(project: Project, async_database: Database) -> None:
    project.write_application(async_database.sync_url, async_database.url)
    project.write(test_it=ASYNC_TESTS.format(marks=["asyncio"], header="") + ASYNC_KEYED_TESTS)

    with untouched(async_database):
        project.run(passed=8, **keys(async_database))


def test_an_application_needs_no_variables(project: Project, sqlite: Database) -> None:
    project.write_application(sqlite.url)
    asynchronous = ASYNC_TESTS.format(marks=["asyncio"], header="")
    project.write(test_sync=SYNC_TESTS, test_async=asynchronous)

    with untouched(sqlite):
        project.run(passed=13)


# On PostgreSQL, since asyncpg refuses another event loop than the one it was connected in.
@pytest.mark.parametrize(
    ("marks", "header", "arguments"),
    [
        pytest.param([], "", ["-o", "asyncio_mode=auto"], id="auto mode"),
        pytest.param(
            [],
            "",
            ["-o", "asyncio_mode=auto", "-o", "asyncio_default_test_loop_scope=session"],
            id="auto mode in the session's loop",
        ),
        pytest.param(
            [],
            "pytestmark = pytest.mark.asyncio(loop_scope='module')",
            [],
            id="strict mode in the module's loop",
        ),
        pytest.param(["anyio"], ANYIO_BACKEND, [], id="anyio beside pytest-asyncio"),
        pytest.param(
            ["anyio"],
            ANYIO_BACKEND,
            ["-o", "asyncio_mode=auto"],
            id="anyio beside pytest-asyncio in auto mode",
        ),
        pytest.param(["anyio"], ANYIO_BACKEND, ["-p", "no:asyncio"], id="anyio alone"),
        pytest.param(
            [],
            ANYIO_BACKEND,
            ["-p", "no:asyncio", "-o", "anyio_mode=auto"],
            id="anyio's auto mode",
        ),
    ],
)
def test_async_session_lives_in_the_loop_of_the_test(
    project: Project, postgresql: Database, marks: list[str], header: str, arguments: list[str]
) -> None:
    project.write_application(postgresql.url)
    project.write(test_it=ASYNC_TESTS.format(marks=marks, header=header))

    with untouched(postgresql):
        project.run(*arguments, passed=6)


@pytest.mark.parametrize(
    ("mark", "fixture", "arguments"),
    [
        pytest.param("asyncio", "pytest_asyncio.fixture", [], id="strict mode"),
        pytest.param("asyncio", "pytest.fixture", ["-o", "asyncio_mode=auto"], id="auto mode"),
        pytest.param("anyio", "pytest.fixture", [], id="anyio"),
    ],
)
def test_async_fixtures_can_use_async_session(
    project: Project, postgresql: Database, mark: str, fixture: str, arguments: list[str]
) -> None:
    project.write_application(postgresql.url)
    project.write(test_it=ASYNC_FIXTURE_TESTS.format(mark=mark, fixture=fixture))

    with untouched(postgresql):
        project.run(*arguments, passed=1)


def test_both_sessions_can_be_used_in_one_test(project: Project, postgresql: Database) -> None:
    project.write_application(postgresql.url)
    project.write(test_it=BOTH_TESTS)

    with untouched(postgresql):
        project.run(passed=2)


def test_an_application_started_before_the_session_writes_nothing(
    project: Project, sqlite: Database
) -> None:
    project.write_application(sqlite.url)
    project.write(test_it=STARTED_BEFORE_TESTS)

    with untouched(sqlite):
        project.run(passed=2, **keys(sqlite))


def test_a_key_without_a_connection_names_the_fixture_to_request(
    project: Project, sqlite: Database
) -> None:
    project.write_application(sqlite.url)
    project.write(
        test_it="""
def test_it(session, client):
    client.post("/async/dog")
"""
    )

    with untouched(sqlite):
        output = project.run()

    assert "has no connection in this test: request the fixture async_session" in output


def test_dont_patch_engines_lets_everything_be_written(project: Project, sqlite: Database) -> None:
    project.write_application(sqlite.url)
    project.write(test_it=UNPATCHED_TESTS)

    with sqlite.tables(METADATA):
        project.run(passed=2, **keys(sqlite))
        assert rows(sqlite) == ["async", "cat", "dog"]


def test_sqla_modules_must_be_defined(project: Project) -> None:
    project.write(test_it="def test_it(session): pass")

    assert "the fixture sqla_modules is not defined: define one in conftest.py" in project.run()


def test_a_session_on_an_asyncio_url_is_refused(project: Project, sqlite: Database) -> None:
    project.write_application(async_url_of(sqlite))
    project.write(test_it="def test_it(session): pass")

    assert "db_url names the asyncio driver sqlite+aiosqlite" in project.run()


def test_async_session_without_an_event_loop_is_refused(project: Project, sqlite: Database) -> None:
    project.write_application(sqlite.url)
    project.write(test_it="def test_it(async_session): pass")

    output = project.run("-p", "no:asyncio")

    assert "async_session needs an event loop: install pytest-asyncio" in output


def test_trio_is_refused(project: Project, sqlite: Database) -> None:
    project.write_application(sqlite.url)
    project.write(
        test_it="""
import pytest


@pytest.fixture
def anyio_backend():
    return "trio"


@pytest.mark.anyio
async def test_it(async_session):
    pass
"""
    )

    assert "SQLAlchemy does not run on trio" in project.run()


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "postgresql://postgres@localhost/postgres"),
        ({"CI": "true"}, "postgresql://postgres@postgres/postgres"),
    ],
)
def test_db_url_is_a_local_postgresql_or_the_one_of_ci(
    project: Project, variables: dict[str, str], url: str
) -> None:
    project.write(
        test_it=f"""
def test_it(db_url, async_sqlalchemy_url, alembic_ini_path):
    assert db_url == {url!r}
    assert async_sqlalchemy_url == {url.replace("postgresql:", "postgresql+asyncpg:")!r}
    assert alembic_ini_path == "./alembic.ini"
"""
    )

    project.run(passed=1, **variables)


def test_the_asyncio_url_is_that_of_the_same_database(project: Project) -> None:
    project.write(
        test_it="""
import pytest

URLS = {
    "postgresql+psycopg2://me:p%40ss%25@host:1/db?application_name=x":
        "postgresql+asyncpg://me:p%40ss%25@host:1/db?application_name=x",
    "sqlite:////tmp/a.sqlite": "sqlite+aiosqlite:////tmp/a.sqlite",
    "sqlite://": "sqlite+aiosqlite://",
    "mysql+pymysql://root@host/db?charset=utf8mb4": "mysql+asyncmy://root@host/db?charset=utf8mb4",
    "mariadb+pymysql://root@host/db": "mariadb+asyncmy://root@host/db",
    "mysql+aiomysql://root@host/db": "mysql+aiomysql://root@host/db",
    "postgresql+psycopg_async://me@host/db": "postgresql+psycopg_async://me@host/db",
}


@pytest.fixture(scope="session", params=URLS)
def db_url(request):
    return request.param


def test_it(db_url, async_sqlalchemy_url):
    assert async_sqlalchemy_url == URLS[db_url]
"""
    )

    project.run(passed=7)


def test_a_database_in_memory_is_shared_by_the_sessions_of_all_threads(project: Project) -> None:
    project.write(
        conftest="""
import pytest


@pytest.fixture(scope="session")
def db_url():
    return "sqlite://"


@pytest.fixture
def sqla_modules():
    pass
""",
        test_it="""
from threading import Thread

import pytest
from sqlalchemy import inspect, text
from sqla_session import open_session


@pytest.mark.parametrize("again", [1, 2])
def test_it(session, again):
    assert inspect(session.connection()).get_table_names() == []
    session.execute(text("CREATE TABLE a (id INTEGER)"))
    session.commit()

    def write():
        with open_session() as other:
            other.execute(text("INSERT INTO a VALUES (1)"))

    thread = Thread(target=write)
    thread.start()
    thread.join()
    assert session.scalar(text("SELECT count(*) FROM a")) == 1
""",
    )

    project.run(passed=2)


def test_loading_the_plugin_imports_neither_sqlalchemy_nor_an_application(project: Project) -> None:
    project.write(
        test_it="""
import sys


def test_it(pytestconfig):
    assert pytestconfig.pluginmanager.has_plugin("sqla_session")
    assert "sqla_session.pytest_plugin" in sys.modules
    heavy = {"sqlalchemy", "alembic", "fastapi", "starlette", "pydantic", "greenlet", "sqlmodel"}
    assert heavy.isdisjoint(name.split(".")[0] for name in sys.modules)
"""
    )

    project.run(passed=1)


def test_importing_the_plugin_imports_nothing_that_pytest_has_not() -> None:
    code = """
import sys, pytest
before = set(sys.modules)
import sqla_session.pytest_plugin
print(sorted(set(sys.modules) - before))
"""
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

    assert output.stdout.decode().strip() == "['sqla_session', 'sqla_session.pytest_plugin']"


@pytest.fixture
def migrations(project: Project) -> Path:
    """An Alembic project; returns the path of its configuration."""
    folder = project.path / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENVIRONMENT)
    (folder / "versions" / "1_.py").write_text(REVISION)
    ini = project.path / "alembic.ini"
    ini.write_text("[alembic]\nscript_location = %(here)s/migrations\npath_separator = os\n")
    return ini


def tables_of(database: Database) -> set[str]:
    with database.connect() as connection:
        return {name for name in inspect(connection).get_table_names() if "plugin_" in name}


def test_db_migration_upgrades_and_downgrades(
    project: Project, migrations: Path, sync_database: Database
) -> None:
    # Where the server asks for no password, any will do: this one wants escaping twice.
    password = "p%s@:" if sync_database.backend == "postgresql" else None
    project.write_application(sync_database.url.set(password=password))
    project.write(test_it=MIGRATED_TESTS)

    project.run(passed=2)

    assert tables_of(sync_database) == {"plugin_version"}
    with sync_database.connect() as connection:
        assert connection.execute(text("SELECT * FROM plugin_version")).all() == []
        connection.execute(text("DROP TABLE plugin_version"))


def test_db_migration_leaves_a_database_alone_that_is_in_use(
    project: Project, migrations: Path, sqlite: Database
) -> None:
    project.write_application(sqlite.url)
    project.write(test_it=MIGRATED_TESTS)
    config = Config(migrations)
    config.set_main_option("sqlalchemy.url", sqlite.url_text)
    command.upgrade(config, "head")

    output = project.run()

    assert "db_migration would delete data: the database is at revision 1 already" in output
    assert tables_of(sqlite) == {"plugin_animal", "plugin_version"}
    command.downgrade(config, "base")


def test_db_migration_works_in_memory(project: Project, migrations: Path) -> None:
    project.write_application(make_url("sqlite://"))
    project.write(test_it=MIGRATED_TESTS)

    project.run(passed=2)


def test_db_migration_without_a_configuration_names_the_fixture(
    project: Project, sqlite: Database
) -> None:
    project.write_application(sqlite.url)
    project.write(test_it=MIGRATED_TESTS)

    assert "no file './alembic.ini': define the fixture alembic_ini_path" in project.run()


KIT = """
from sqla_pages.testing.pytest_plugin import *
"""

KIT_TESTS = """
import pytest
from application import Animal
from sqlalchemy import select
from sqla_pages.testing import PagesMismatchError

NAMES = "cat", "dog", "bee", "ape", "fox"


def test_pages_match(session, assert_pages_match):
    session.add_all([Animal(name=name) for name in NAMES])

    assert_pages_match(select(Animal).order_by(Animal.name), limits=[2])
    with pytest.raises(PagesMismatchError, match="'eel'"):
        assert_pages_match(select(Animal.name), expected=[*NAMES[:4], "eel"])


@pytest.mark.asyncio
async def test_pages_match_by_asyncio(async_session, async_assert_pages_match):
    async_session.add_all([Animal(name=name) for name in NAMES])

    await async_assert_pages_match(select(Animal).order_by(Animal.name.desc()), limits=[2])
    with pytest.raises(PagesMismatchError, match="'eel'"):
        await async_assert_pages_match(select(Animal.name), expected=[*NAMES[:4], "eel"])
"""


@pytest.mark.parametrize("database", ["sqlite+pysqlite", "postgresql+psycopg"], indirect=True)
def test_the_verification_kit_comes_as_fixtures(project: Project, database: Database) -> None:
    with untouched(database):
        project.write_application(database.url)
        conftest = project.path / "conftest.py"
        conftest.write_text(KIT + conftest.read_text())
        project.write(test_kit=KIT_TESTS)

        project.run(passed=2)
