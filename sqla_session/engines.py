"""Makes, tries, reflects on and disposes of engines, sync and asyncio; says plainly what failed."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from sqlalchemy import Connection, Engine, StaticPool, create_engine, select
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError
from sqlalchemy.ext.declarative import DeferredReflection

from . import autocommit, failures
from .config import EngineSettings
from .errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


def new_engine(settings: EngineSettings) -> "Engine | AsyncEngine":
    """Return an engine that has not connected yet.

    Raises:
        ConfigurationError: the driver is missing, or an argument is not one of `create_engine`.
    """
    try:
        if settings.is_async:
            from sqlalchemy.ext.asyncio import create_async_engine  # needs greenlet

            async_engine = create_async_engine(settings.url, **settings.arguments)
            _prepare(async_engine.sync_engine, settings)
            return async_engine
        engine = create_engine(settings.url, **_in_memory(settings), **settings.arguments)
        _prepare(engine, settings)
        return engine
    except ImportError as error:
        raise ConfigurationError(
            f"session key {settings.key!r}: {settings.url_variable} names "
            f"{settings.url.drivername!r}, whose driver is not installed: {error}"
        ) from error
    except Exception as error:
        raise ConfigurationError(
            f"session key {settings.key!r}: create_engine refuses {', '.join(settings.variables)}: "
            f"{_told(error, settings)}"
        ) from None


def _prepare(engine: Engine, settings: EngineSettings) -> None:
    failures.watch(engine)
    if autocommit.is_autocommit(settings.arguments):
        autocommit.mark(engine)


def _in_memory(settings: EngineSettings) -> Mapping[str, Any]:
    # A request works in several threads: SQLAlchemy would give each its own, empty database.
    # It does this by itself for aiosqlite.
    is_in_memory = (
        settings.url.get_backend_name() == "sqlite"
        and settings.url.database in {None, "", ":memory:"}
        and not {"poolclass", "pool", "creator", "connect_args"} & settings.arguments.keys()
    )
    if not is_in_memory:
        return {}
    return {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}


async def check(settings: EngineSettings, engine: "Engine | AsyncEngine") -> None:
    """Connect once and run a query.

    Raises:
        ConfigurationError: it did not work; the message says why, without the password.
    """
    try:
        if isinstance(engine, Engine):
            await to_thread.run_sync(_query_once, engine)
        else:
            async with engine.connect() as connection:
                await connection.execute(select(1))
    except Exception as error:
        # Not chained: a driver's own words may quote the URL.
        raise ConfigurationError(
            f"session key {settings.key!r}: cannot connect with {', '.join(settings.variables)} "
            f"({settings.url.drivername}): {_told(error, settings)}"
        ) from None


async def reflect(
    key: str,
    bind: "Engine | AsyncEngine | Connection | AsyncConnection",
    base: type[DeferredReflection],
) -> None:
    """Read the tables and views of the base from the database and map its classes.

    Raises:
        ConfigurationError: the database lacks one of them.
    """

    def prepare(connection: Connection) -> None:
        try:
            base.prepare(connection, views=True)
        except NoSuchTableError as error:
            raise ConfigurationError(f"session key {key!r}: no table or view {error}") from None
        except SQLAlchemyError as error:
            # It may show the engine, whose URL may hold secrets besides the password.
            told = str(error).replace(repr(connection.engine), "the database")
            raise ConfigurationError(
                f"session key {key!r}: the classes of {base.__name__} do not fit the database: "
                f"{told}"
            ) from None

    def connect_and_prepare(engine: Engine) -> None:
        with engine.connect() as connection:
            prepare(connection)

    match bind:
        case Connection():
            prepare(bind)
        case Engine():
            await to_thread.run_sync(connect_and_prepare, bind)
        case _:
            await _run_sync(bind, prepare)


async def _run_sync(
    bind: "AsyncEngine | AsyncConnection", work: Callable[[Connection], None]
) -> None:
    from sqlalchemy.ext.asyncio import AsyncEngine  # needs greenlet, as the bind does

    if isinstance(bind, AsyncEngine):
        async with bind.connect() as connection:
            await connection.run_sync(work)
    else:
        await bind.run_sync(work)


async def dispose(bind: object) -> None:
    """Close the connections of an engine; leaves a connection, which is its giver's, alone."""
    if isinstance(bind, Engine):
        await to_thread.run_sync(bind.dispose)
    elif (dispose_engine := getattr(bind, "dispose", None)) is not None:
        await dispose_engine()


def _query_once(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(select(1))


def _told(error: Exception, settings: EngineSettings) -> str:
    """Return what the driver said, without what the settings keep secret."""
    cause = getattr(error, "orig", None) or error
    words = str(cause).strip()
    for secret in sorted(settings.secrets, key=len, reverse=True):
        words = words.replace(secret, "***")
    return f"{type(cause).__name__}: {words}"
