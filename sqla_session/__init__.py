"""The default and keyed SQLAlchemy sessions of a FastAPI application.

Names are imported when they are first used, so that the pytest plugin can be loaded without
SQLAlchemy, and everything but the asyncio names without greenlet.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .application import setup, setup_middlewares
    from .async_session import AsyncSession, SqlaAsyncSession
    from .base import Base
    from .dependencies import AsyncSessionDependency, Session, SessionDependency
    from .errors import (
        ConfigurationError,
        NoSessionInScopeError,
        SqlaSessionError,
        UnknownSessionKeyError,
    )
    from .middleware import SessionMiddleware
    from .registry import (
        SessionRegistry,
        default_registry,
        lifespan,
        open_async_session,
        open_session,
        shutdown,
        startup,
    )
    from .session import SqlaSession

__all__ = [
    "AsyncSession",
    "AsyncSessionDependency",
    "Base",
    "ConfigurationError",
    "NoSessionInScopeError",
    "Session",
    "SessionDependency",
    "SessionMiddleware",
    "SessionRegistry",
    "SqlaAsyncSession",
    "SqlaSession",
    "SqlaSessionError",
    "UnknownSessionKeyError",
    "default_registry",
    "lifespan",
    "open_async_session",
    "open_session",
    "setup",
    "setup_middlewares",
    "shutdown",
    "startup",
]

_HOMES = {
    "application": ("setup", "setup_middlewares"),
    "async_session": ("AsyncSession", "SqlaAsyncSession"),
    "base": ("Base",),
    "dependencies": ("AsyncSessionDependency", "Session", "SessionDependency"),
    "errors": (
        "ConfigurationError",
        "NoSessionInScopeError",
        "SqlaSessionError",
        "UnknownSessionKeyError",
    ),
    "middleware": ("SessionMiddleware",),
    "registry": (
        "SessionRegistry",
        "default_registry",
        "lifespan",
        "open_async_session",
        "open_session",
        "shutdown",
        "startup",
    ),
    "session": ("SqlaSession",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return __all__
