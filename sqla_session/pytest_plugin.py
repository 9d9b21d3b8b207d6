"""The pytest plugin: fixtures that give a test sessions whose every write is undone.

Every pytest run in an environment with this package loads it, so it imports nothing but pytest;
SQLAlchemy, Alembic and the application come with the first fixture that needs them.
"""

import os
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from .async_session import SqlaAsyncSession
    from .session import SqlaSession

_MARKER: Final = "dont_patch_engines"

# The asyncio drivers of a database, the first installed one is taken: names in a URL, modules.
_ASYNC_DRIVERS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "postgresql": {"asyncpg": "asyncpg", "psycopg_async": "psycopg"},
        "sqlite": {"aiosqlite": "aiosqlite"},
        "mysql": {"asyncmy": "asyncmy", "aiomysql": "aiomysql"},
        "mariadb": {"asyncmy": "asyncmy", "aiomysql": "aiomysql"},
    }
)

_ASYNCIO_FIXTURES: Final = "sqla_session_asyncio"
_LOOP_SCOPES: Final = ("function", "class", "module", "package", "session")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and fixtures for pytest-asyncio where it is active."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}: leave the application its own engines, and let the session fixtures write",
    )
    asyncio_plugin = sys.modules.get("pytest_asyncio.plugin")
    if asyncio_plugin and config.pluginmanager.is_registered(asyncio_plugin):
        config.pluginmanager.register(_asyncio_fixtures(), _ASYNCIO_FIXTURES)


@pytest.fixture
def sqla_modules() -> None:
    """Import the modules that define subclasses of `sqla_session.Base`; to be overridden."""
    pytest.fail(
        "the fixture sqla_modules is not defined: define one in conftest.py that imports all "
        "modules with subclasses of sqla_session.Base",
        pytrace=False,
    )


@pytest.fixture(scope="session")
def db_url() -> str:
    """URL of the test database, with a sync driver; on the host `postgres` in CI."""
    return f"postgresql://postgres@{'postgres' if 'CI' in os.environ else 'localhost'}/postgres"


@pytest.fixture(scope="session")
def async_sqlalchemy_url(db_url: str) -> str:
    """URL of the same database with an asyncio driver; `db_url` itself if it names one."""
    from sqlalchemy import make_url

    url = make_url(db_url)
    if url.get_dialect().is_async:
        return db_url
    backend = url.get_backend_name()
    if backend not in _ASYNC_DRIVERS:
        pytest.fail(
            f"no asyncio driver is known for {backend}: define the fixture async_sqlalchemy_url",
            pytrace=False,
        )
    drivers = _ASYNC_DRIVERS[backend]
    driver = next((name for name, module in drivers.items() if find_spec(module)), None)
    asynchronous = url.set(drivername=f"{backend}+{driver or next(iter(drivers))}")
    return asynchronous.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def alembic_ini_path() -> str:
    """Path of Alembic's configuration, from the folder that pytest is started in."""
    return "./alembic.ini"


@pytest.fixture(scope="session")
def db_migration(
    request: pytest.FixtureRequest, db_url: str, alembic_ini_path: str
) -> Generator[None, None, None]:
    """Run `alembic upgrade head` before the tests, `alembic downgrade base` after them.

    A database that is at some revision already is refused: downgrading it would delete data that
    nobody said was a test's.
    """
    try:
        from alembic import command
        from alembic.config import Config

        from .migrations import revisions_of
    except ImportError:
        pytest.fail("db_migration needs Alembic: install sqla-pages[pytest_plugin]", pytrace=False)
    if not Path(alembic_ini_path).is_file():
        pytest.fail(
            f"no file {alembic_ini_path!r}: define the fixture alembic_ini_path", pytrace=False
        )
    config = Config(alembic_ini_path)
    config.set_main_option("sqlalchemy.url", db_url.replace("%", "%%"))

    @contextmanager
    def connected() -> Generator[None, None, None]:
        if not _is_in_memory(db_url):
            yield
            return
        # Nobody else can reach that database: env.py has to take this connection, as in
        # https://alembic.sqlalchemy.org/en/latest/cookbook.html#connection-sharing
        engine: Engine = request.getfixturevalue("_sqla_session_engine")
        with engine.begin() as config.attributes["connection"]:
            yield

    with connected():
        if revisions := revisions_of(config):
            pytest.fail(
                f"db_migration would delete data: the database is at revision "
                f"{', '.join(revisions)} already, and would be downgraded to nothing after the "
                "tests; use an empty database, or clear this one with: alembic downgrade base",
                pytrace=False,
            )
        command.upgrade(config, "head")
    yield
    with connected():
        command.downgrade(config, "base")


@pytest.fixture(scope="session")
def _sqla_session_engine(db_url: str) -> "Generator[Engine, None, None]":
    from sqlalchemy import StaticPool, create_engine, make_url

    url = make_url(db_url)
    if url.get_dialect().is_async:
        pytest.fail(
            f"db_url names the asyncio driver {url.drivername}: request async_session, or define "
            "db_url with a sync driver",
            pytrace=False,
        )
    options: dict[str, Any] = {}
    if url.get_backend_name() == "sqlite":
        # A test client runs the application in another thread.
        options["connect_args"] = {"check_same_thread": False}
    if _is_in_memory(db_url):
        options["poolclass"] = StaticPool
    engine = create_engine(url, **options)
    yield engine
    engine.dispose()


@pytest.fixture
def session(
    request: pytest.FixtureRequest,
    sqla_modules: object,  # noqa: ARG001
    _sqla_session_engine: "Engine",
) -> "Generator[SqlaSession, None, None]":
    """A sync session on `db_url`; what is committed is seen by the application, never written.

    Every sync session of the application shares its connection, and one outer transaction that
    is rolled back after the test.
    """
    from . import Base, SqlaSession, default_registry

    with _sqla_session_engine.connect() as connection:
        Base.prepare(connection, views=True)
        connection.rollback()
        if request.node.get_closest_marker(_MARKER):
            with SqlaSession(connection) as session:
                yield session
            return
        connection.begin()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")  # without it, a RELEASE would commit
        with default_registry.override(connection) as shared, shared.session() as session:
            yield session
            connection.rollback()  # before the session closes, which then undoes nothing by itself


@pytest.fixture
def async_session(
    request: pytest.FixtureRequest,
    sqla_modules: object,  # noqa: ARG001
) -> "SqlaAsyncSession":
    """An asyncio session on `async_sqlalchemy_url`, in the event loop of the test.

    Otherwise as `session`, whose changes it does not see, nor the other way round.
    """
    session: SqlaAsyncSession = request.getfixturevalue(_async_fixture_of(request))
    return session


def _async_fixture_of(request: pytest.FixtureRequest) -> str:
    """Return the fixture that makes the session in the loop that runs the test."""
    asyncio_active = request.config.pluginmanager.has_plugin(_ASYNCIO_FIXTURES)
    if asyncio_active:
        from pytest_asyncio import is_async_test

        marker = request.node.get_closest_marker("asyncio")
        if marker is not None and is_async_test(request.node):
            scope = marker.kwargs.get("loop_scope") or marker.kwargs.get("scope")
            ini = "asyncio_default_test_loop_scope"
            return _fixture_of(scope or request.config.getini(ini))
    if "anyio_backend" in request.fixturenames:
        backend: str = request.getfixturevalue("anyio_backend_name")
        if backend != "asyncio":
            pytest.fail(
                f"SQLAlchemy does not run on {backend}: define the fixture anyio_backend to return "
                '"asyncio"',
                pytrace=False,
            )
        return "_sqla_session_anyio"
    if asyncio_active:  # a sync test, whose async fixtures pytest-asyncio runs
        scope = request.config.getini("asyncio_default_fixture_loop_scope")
        return _fixture_of(scope if scope in _LOOP_SCOPES else "function")
    pytest.fail(
        "async_session needs an event loop: install pytest-asyncio, or request the fixture "
        "anyio_backend, which is what the marker anyio does",
        pytrace=False,
    )


@pytest.fixture
async def _sqla_session_anyio(
    request: pytest.FixtureRequest, async_sqlalchemy_url: str
) -> "AsyncGenerator[SqlaAsyncSession, None]":
    async with _open_async_session(request, async_sqlalchemy_url) as session:
        yield session


def _asyncio_fixtures() -> ModuleType:
    """Return a plugin with one fixture for each event loop that pytest-asyncio keeps."""
    import asyncio

    import pytest_asyncio

    fixture: Callable[..., Any] = pytest_asyncio.fixture

    def fixture_in(loop_scope: str) -> object:
        # Not an async generator, which anyio's plugin would take for its own where a test is marked
        # for both. And a new function each time: pytest-asyncio notes the scope on the function.
        def in_loop(
            request: pytest.FixtureRequest, async_sqlalchemy_url: str
        ) -> "Generator[SqlaAsyncSession, None, None]":
            loop = asyncio.get_event_loop()  # pytest-asyncio has set it for this fixture
            opened = _open_async_session(request, async_sqlalchemy_url)
            yield loop.run_until_complete(opened.__aenter__())
            loop.run_until_complete(opened.__aexit__(None, None, None))

        return fixture(loop_scope=loop_scope, name=_fixture_of(loop_scope))(in_loop)

    plugin = ModuleType(_ASYNCIO_FIXTURES)
    for scope in _LOOP_SCOPES:
        setattr(plugin, scope, fixture_in(scope))
    return plugin


def _fixture_of(loop_scope: str) -> str:
    return f"_sqla_session_in_{loop_scope}_loop"


@asynccontextmanager
async def _open_async_session(
    request: pytest.FixtureRequest, url: str
) -> "AsyncGenerator[SqlaAsyncSession, None]":
    from sqlalchemy import Connection, NullPool
    from sqlalchemy.ext.asyncio import create_async_engine

    from . import Base, SqlaAsyncSession, default_registry

    def prepare(connection: Connection) -> None:
        Base.prepare(connection, views=True)

    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(prepare)
        await connection.rollback()
        if request.node.get_closest_marker(_MARKER):
            async with SqlaAsyncSession(connection, expire_on_commit=False) as session:
                yield session
            return
        await connection.begin()
        if connection.dialect.name == "sqlite":
            await connection.exec_driver_sql("BEGIN")
        with default_registry.override(async_connection=connection) as shared:
            async with shared.async_session() as session:
                yield session
                await connection.rollback()


def _is_in_memory(url: str) -> bool:
    """Whether each connection to this URL would have a database of its own."""
    from sqlalchemy import make_url

    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.get_dialect().is_async:
        return False
    return parsed.database in {None, "", ":memory:"} or parsed.query.get("mode") == "memory"
