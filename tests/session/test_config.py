"""From variables to engines, and what is said when they are wrong."""

import asyncio
import logging
import traceback
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import URL, Engine
from sqlalchemy.ext.declarative import DeferredReflection

from sqla_session import ConfigurationError, SessionRegistry

from .application import new_base

SQLITE = "sqlite+pysqlite://"


def engine_of(settings: Mapping[str, Any] | None, key: str = "default") -> Engine:
    registry = SessionRegistry(settings, base=new_base())

    async def run() -> Engine:
        async with registry.lifespan():
            bind: Any = registry.session(key).get_bind()
            assert isinstance(bind, Engine)
            return bind

    return asyncio.run(run())


def keys_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    registry = SessionRegistry(settings, base=new_base())

    async def run() -> tuple[str, ...]:
        async with registry.lifespan():
            return registry.keys

    return asyncio.run(run())


def refusal(
    settings: Mapping[str, Any],
    caplog: pytest.LogCaptureFixture | None = None,
    base: type[DeferredReflection] | None = None,
) -> str:
    """What startup says: the message, and all that a log of it would show."""
    registry = SessionRegistry(settings, base=base or new_base())
    if caplog:
        caplog.set_level(logging.DEBUG)
    with pytest.raises(ConfigurationError) as caught:
        asyncio.run(registry.startup())
    assert registry.keys == ()
    shown = "".join(traceback.format_exception(caught.value))
    return "\n".join([shown, repr(caught.value), caplog.text if caplog else ""])


def test_the_default_key_is_configured_by_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("sqlalchemy_url", SQLITE)

    assert str(engine_of(None).url) == SQLITE


@pytest.mark.parametrize("name", ["SQLALCHEMY_URL", "Sqlalchemy_Url", "sqlalchemy_url"])
def test_variables_come_in_any_case(name: str) -> None:
    assert str(engine_of({name: SQLITE}).url) == SQLITE


@pytest.mark.parametrize(
    "name",
    [
        "fastapi_sqla__read_only__sqlalchemy_url",
        "FASTAPI_SQLA__READ_ONLY__SQLALCHEMY_URL",
        "Fastapi_Sqla__Read_Only__SQLAlchemy_url",
    ],
)
@pytest.mark.parametrize("key", ["read_only", "READ_ONLY"])
def test_a_key_is_configured_and_asked_for_in_any_case(name: str, key: str) -> None:
    assert str(engine_of({name: SQLITE}, key).url) == SQLITE


def test_a_keyed_session_needs_no_default_one() -> None:
    assert keys_of({"fastapi_sqla__one__sqlalchemy_url": SQLITE}) == ("one",)


def test_the_default_key_comes_first() -> None:
    settings = {
        "fastapi_sqla__a__sqlalchemy_url": SQLITE,
        "sqlalchemy_url": SQLITE,
        "fastapi_sqla__b__sqlalchemy_url": SQLITE,
    }

    assert keys_of(settings) == ("default", "a", "b")


def test_arguments_are_coerced_from_text() -> None:
    engine = engine_of(
        {
            "sqlalchemy_url": SQLITE,
            "sqlalchemy_echo": "false",
            "sqlalchemy_hide_parameters": "false",
            "sqlalchemy_label_length": "12",
            "sqlalchemy_pool_recycle": "30",
        }
    )

    pool: Any = engine.pool
    assert (engine.echo, engine.hide_parameters, pool._recycle) == (False, False, 30)
    assert engine.dialect.label_length == 12


def test_the_pool_is_sized_from_text(tmp_path: Any) -> None:
    engine = engine_of(
        {
            "sqlalchemy_url": f"sqlite:///{tmp_path}/file",
            "sqlalchemy_pool_size": "3",
            "sqlalchemy_max_overflow": "4",
            "sqlalchemy_pool_pre_ping": "false",
        }
    )

    pool: Any = engine.pool
    assert (pool.size(), pool._max_overflow, pool._pre_ping) == (3, 4, False)


def test_parameters_are_hidden_unless_asked_for() -> None:
    assert engine_of({"sqlalchemy_url": SQLITE}).hide_parameters is True


def test_each_key_has_its_own_arguments() -> None:
    settings = {
        "sqlalchemy_url": SQLITE,
        "fastapi_sqla__loud__sqlalchemy_url": SQLITE,
        "fastapi_sqla__loud__sqlalchemy_hide_parameters": "no",
    }

    shown = [engine_of(settings, key).hide_parameters for key in ("default", "loud")]

    assert shown == [True, False]


def test_values_of_other_types_are_taken_as_they_are() -> None:
    url = URL.create("sqlite+pysqlite", database=":memory:")

    assert engine_of({"sqlalchemy_url": url, "sqlalchemy_echo": False}).url == url


def test_variables_of_others_are_left_alone() -> None:
    settings = {"sqlalchemy_url": SQLITE, "SQLALCHEMY_WARN_20": "1", "MY_SQLALCHEMY_URL": "x"}

    assert keys_of(settings) == ("default",)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "no session key is configured: set sqlalchemy_url"),
        ({"sqlalchemy_echo": "1"}, "sqlalchemy_url is not set, only sqlalchemy_echo"),
        ({"sqlalchemy_url": ""}, "sqlalchemy_url is empty"),
        ({"fastapi_sqla__default__sqlalchemy_url": SQLITE}, "set sqlalchemy_url for the default"),
        (
            {"sqlalchemy_url": SQLITE, "SQLALCHEMY_URL": "sqlite:///other"},
            "SQLALCHEMY_URL is set twice",
        ),
        (
            {"fastapi_sqla__x__sqlalchemy_pool_size": "1"},
            "session key 'x': fastapi_sqla__x__sqlalchemy_url is not set",
        ),
    ],
)
def test_missing_settings_are_named(settings: Mapping[str, Any], told: str) -> None:
    assert told in refusal(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pool_size", "hunter2"),
        ("pool_size", ""),
        ("pool_recycle", "hunter2"),
        ("pool_pre_ping", "hunter2"),
        ("hide_parameters", "hunter2"),
        ("isolation_level", "hunter2"),
        ("poolclass", "hunter2"),
        ("connect_args", "hunter2"),
        ("no_such_argument", "hunter2"),
        ("password", "hunter2"),
    ],
)
@pytest.mark.parametrize("prefix", ["sqlalchemy_", "fastapi_sqla__one__sqlalchemy_"])
def test_a_bad_value_names_its_variable_and_is_not_shown(
    name: str, value: str, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = refusal({f"{prefix}url": SQLITE, f"{prefix}{name}": value}, caplog)

    assert f"{prefix}{name}" in told
    assert "hunter2" not in told


NOWHERE = "127.0.0.1:1"


@pytest.mark.parametrize(
    "url",
    [
        "hunter2",
        "user:hunter2@host/test",
        "postgresql+psycopg//user:hunter2@host/test",
        "postgresql+psycopg://user:hunter2@host:port/test",
        "postgresql+nodriver://user:hunter2@host/test",
        "nodatabase://user:hunter2@host/test",
        "mssql+pyodbc:///?odbc_connect=UID%3Duser%3BPWD%3Dhunter2",
        f"postgresql+psycopg://user:hunter2@{NOWHERE}/test",
        f"postgresql+psycopg2://user:hunter2@{NOWHERE}/test",
        f"postgresql+asyncpg://user:hunter2@{NOWHERE}/test",
        f"mariadb+pymysql://user:hunter2@{NOWHERE}/test",
        f"mariadb+asyncmy://user:hunter2@{NOWHERE}/test",
        f"postgresql+psycopg://{NOWHERE}/test?user=user&password=hunter2",
        f"postgresql+psycopg://{NOWHERE}/test?sslpassword=hunter2",
        f"postgresql+psycopg2://{NOWHERE}/test?application_name=hunter2&sslmode=hunter2",
        f"postgresql+asyncpg://{NOWHERE}/test?ssl=hunter2",
        "postgresql+psycopg://user:a@hunter2/test",
        "postgresql+psycopg://user:a@hunter2@host/test",
        "postgresql+psycopg://user:a@b/hunter2@host/test",
        "postgresql+psycopg://user:a@hunter2/b@host/test",
        "postgresql+psycopg://user:a@hunter2:5432@host/test",
        "postgresql+psycopg://user:a@hunter2?b@host/test",
        f"postgresql+psycopg://user:a:hunter2@{NOWHERE}/test",
        f"postgresql+psycopg://user:a%40hunter2@{NOWHERE}/test",
        f"postgresql+psycopg://user:a%2Fhunter2@{NOWHERE}/test",
    ],
)
def test_no_part_of_a_password_is_shown(url: str, caplog: pytest.LogCaptureFixture) -> None:
    if url == "postgresql+psycopg://user:a@hunter2/test":
        url = url.replace("a@hunter2", "hunter2@unknown.invalid")

    told = refusal({"sqlalchemy_url": url}, caplog)

    assert "session key 'default'" in told
    assert "sqlalchemy_url" in told
    assert "hunter2" not in told


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg", "psycopg_async"])
def test_a_refused_password_is_not_shown(
    driver: str, postgresql_url: URL, caplog: pytest.LogCaptureFixture
) -> None:
    url = postgresql_url.set(
        drivername=f"postgresql+{driver}", username="hunter2user", password="hunter2"
    )

    told = refusal({"sqlalchemy_url": url.render_as_string(hide_password=False)}, caplog)

    assert "cannot connect with sqlalchemy_url" in told
    assert "hunter2" not in told


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_a_missing_table_shows_no_option_of_the_url(driver: str, postgresql_url: URL) -> None:
    url = postgresql_url.set(drivername=f"postgresql+{driver}").update_query_dict(
        {"password": "hunter2"}
    )
    base: Any = new_base()
    lacking = type("Lacking", (base,), {"__tablename__": "no_such_table"})

    told = refusal({"sqlalchemy_url": url}, base=base)

    assert lacking.__tablename__ in told
    assert "hunter2" not in told


def test_a_secret_in_connect_args_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    settings = {
        "sqlalchemy_url": f"postgresql+psycopg://{NOWHERE}/test",
        "sqlalchemy_connect_args": {"password": "hunter2", "options": ["hunter3"]},
    }

    told = refusal(settings, caplog)

    assert "hunter3" not in told


def test_a_missing_driver_is_named() -> None:
    told = refusal({"sqlalchemy_url": "oracle+oracledb://user:hunter2@host/test"})

    assert "names 'oracle+oracledb', whose driver is not installed" in told
    assert "hunter2" not in told


def test_an_unknown_dialect_is_named() -> None:
    told = refusal({"sqlalchemy_url": "nodatabase://user:hunter2@host/test"})

    assert "no SQLAlchemy dialect for 'nodatabase' in sqlalchemy_url" in told


def test_an_unreachable_host_is_told() -> None:
    told = refusal({"sqlalchemy_url": f"postgresql+psycopg://user:hunter2@{NOWHERE}/test"})

    assert "cannot connect with sqlalchemy_url (postgresql+psycopg): OperationalError" in told
    assert "127.0.0.1" in told
