"""Puts a registry's middleware and lifespan into an application."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette

from .middleware import SessionMiddleware
from .registry import SessionRegistry, default_registry


def setup_middlewares(app: Starlette, registry: SessionRegistry = default_registry) -> None:
    """Add the session middleware to an application that calls `startup` by itself.

    Example:
        >>> from fastapi import FastAPI
        >>> from sqla_session import lifespan, setup_middlewares
        >>> app = FastAPI(lifespan=lifespan)
        >>> setup_middlewares(app)
    """
    app.add_middleware(SessionMiddleware, registry=registry)


def setup(app: Starlette, registry: SessionRegistry = default_registry) -> None:
    """Add the session middleware and the lifespan, within which the app's own one runs.

    Example:
        >>> from fastapi import FastAPI
        >>> from sqla_session import setup
        >>> app = FastAPI()
        >>> setup(app)
    """
    setup_middlewares(app, registry)
    own_lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def both(started_app: Any) -> AsyncGenerator[Any, None]:
        async with registry.lifespan(), own_lifespan(started_app) as state:
            yield state

    app.router.lifespan_context = both
