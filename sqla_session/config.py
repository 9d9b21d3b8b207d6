"""From environment variables to the arguments of each engine.

`sqlalchemy_<argument>` configures the default key, `fastapi_sqla__<KEY>__sqlalchemy_<argument>` a
keyed one, in any case; `<argument>` is one of `sqlalchemy.create_engine`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, cast
from urllib.parse import quote, quote_plus

from sqlalchemy import URL, make_url
from sqlalchemy.util import asbool, asint

from .errors import ConfigurationError

DEFAULT_KEY: Final = "default"

_VARIABLE: Final = re.compile(
    r"(?:fastapi_sqla__(?P<key>[^_].*?)__)?sqlalchemy_(?P<argument>.+)", re.DOTALL
)

# Variables that SQLAlchemy itself reads from the environment: switches for its own warnings,
# not arguments of an engine.
_NOT_ARGUMENTS: Final = frozenset({"sqlalchemy_warn_20", "sqlalchemy_silence_uber_warning"})

# Options in a URL that an error message may tell.
_OPEN: Final = frozenset({"charset", "dbname", "driver", "host", "port", "sslmode", "user"})

# Arguments that `engine_from_config` leaves as text although `create_engine` wants another type:
# `pool_pre_ping=false` would be true.
_ALSO_COERCED: Final[Mapping[str, Callable[[Any], Any]]] = MappingProxyType(
    {
        "enable_from_linting": asbool,
        "hide_parameters": asbool,
        "insertmanyvalues_page_size": asint,
        "label_length": asint,
        "max_identifier_length": asint,
        "pool_pre_ping": asbool,
        "pool_use_lifo": asbool,
        "query_cache_size": asint,
        "skip_autocommit_rollback": asbool,
        "use_insertmanyvalues": asbool,
    }
)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What one session key is configured with.

    `arguments` are those of `create_engine` besides the URL, already coerced; `given` are the
    names of those that were set. Values do not show in the representation: they may be secret.
    """

    key: str
    url: URL = field(repr=False)
    arguments: Mapping[str, Any] = field(repr=False)
    given: tuple[str, ...] = ()

    @property
    def is_async(self) -> bool:
        """Whether the URL's dialect is an asyncio one."""
        return self.url.get_dialect().is_async

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables that were set, that of the URL first."""
        return tuple(variable_of(self.key, argument) for argument in ("url", *self.given))

    @property
    def secrets(self) -> frozenset[str]:
        """Every text in the settings that an error message must not hold."""
        options = {name: self.url.query[name] for name in self.url.query if name not in _OPEN}
        texts = {*_texts_in(options), *_texts_in(self.arguments)}
        if self.url.password is not None:
            password = str(self.url.password)
            texts |= {password, quote(password), quote_plus(password), repr(password)[1:-1]}
        # Options of pyodbc: one text that holds a password.
        texts |= {part.partition("=")[2] for text in texts for part in text.split(";")}
        return frozenset(texts - {""})

    @property
    def url_variable(self) -> str:
        """The name of the variable that holds the URL."""
        return variable_of(self.key, "url")


def normal_key(key: str) -> str:
    """Return the key as it is registered: variables come in any case, so keys do too."""
    return key.lower()


def variable_of(key: str, argument: str) -> str:
    """Return the variable that sets `argument` of the engine behind `key`."""
    prefix = "" if key == DEFAULT_KEY else f"fastapi_sqla__{key}__"
    return f"{prefix}sqlalchemy_{argument}"


def read_settings(variables: Mapping[str, Any]) -> Mapping[str, EngineSettings]:
    """Return the settings of every key found in `variables`, the default key first.

    Values may be of any type: text is coerced, the rest is taken as it is.

    Raises:
        ConfigurationError: no key at all, a key without a URL, or a value that cannot be read.
    """
    arguments_by_key: dict[str, dict[str, Any]] = {}
    for name, value in variables.items():
        if name.lower() in _NOT_ARGUMENTS or not (match := _VARIABLE.fullmatch(name.lower())):
            continue
        key = match["key"] or DEFAULT_KEY
        if match["key"] == DEFAULT_KEY:
            cure = variable_of(DEFAULT_KEY, match["argument"])
            raise ConfigurationError(f"{name} is not read: set {cure} for the default session key")
        arguments = arguments_by_key.setdefault(key, {})
        if match["argument"] in arguments and arguments[match["argument"]] != value:
            raise ConfigurationError(f"{name} is set twice, in different case and to other values")
        arguments[match["argument"]] = value

    if not arguments_by_key:
        raise ConfigurationError(
            "no session key is configured: set sqlalchemy_url for the default session, or "
            "fastapi_sqla__<key>__sqlalchemy_url for a keyed one"
        )
    keys = sorted(arguments_by_key, key=lambda key: (key != DEFAULT_KEY, key))
    return MappingProxyType({key: _settings_of(key, arguments_by_key[key]) for key in keys})


def _settings_of(key: str, given: Mapping[str, Any]) -> EngineSettings:
    url = _url_of(key, given)
    coercions = {**_ALSO_COERCED, **url.get_dialect().engine_config_types}
    arguments: dict[str, Any] = {"hide_parameters": True}
    for argument, value in given.items():
        if argument == "url":
            continue
        try:
            coerce = coercions.get(argument) if isinstance(value, str) else None
            arguments[argument] = coerce(value) if coerce else value
        except ValueError:
            variable = variable_of(key, argument)
            # The cause would show the value.
            raise ConfigurationError(
                f"session key {key!r}: the value of {variable} cannot be read"
            ) from None
    names = tuple(argument for argument in given if argument != "url")
    return EngineSettings(key, url, MappingProxyType(arguments), names)


def _texts_in(value: object) -> Iterator[str]:
    """Yield the texts in a value of the settings, at any depth."""
    match value:
        case str():
            yield value
        case Mapping():
            for inner in cast("Mapping[object, object]", value).values():
                yield from _texts_in(inner)
        case list() | tuple():
            for inner in cast("Sequence[object]", value):
                yield from _texts_in(inner)
        case _:
            pass


def _url_of(key: str, given: Mapping[str, Any]) -> URL:
    variable = variable_of(key, "url")
    if not given.get("url"):
        others = ", ".join(sorted(variable_of(key, argument) for argument in given))
        raise ConfigurationError(
            f"session key {key!r}: {variable} is not set, only {others}"
            if others and "url" not in given
            else f"session key {key!r}: {variable} is empty"
        )
    try:
        url = make_url(given["url"])
    except Exception:
        # The cause may show the whole text, password included.
        raise ConfigurationError(
            f"session key {key!r}: {variable} is not a database URL; "
            "expected dialect+driver://user:password@host:port/database"
        ) from None
    # A password with an @ in it ends there, and its rest is taken for the host or more: drivers
    # would tell it.
    is_ambiguous = isinstance(given["url"], str) and given["url"].count("@") > 1
    if url.host and (is_ambiguous or "@" in url.host):
        raise ConfigurationError(
            f"session key {key!r}: {variable} contains more than one @; "
            "one in a user name, a password or an option is written %40"
        )
    try:
        url.get_dialect()
    except Exception as error:
        raise ConfigurationError(
            f"session key {key!r}: no SQLAlchemy dialect for {url.drivername!r} in {variable}"
        ) from error
    return url
