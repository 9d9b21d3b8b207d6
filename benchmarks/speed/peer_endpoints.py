"""Applications with one endpoint each, by the other libraries, as their documentation has them."""

import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from sqlalchemy import URL, create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from .endpoints import ItemModel, application, plain, plain_async
from .table import ORDERED


@asynccontextmanager
async def fastapi_sqla_applications(url: URL) -> AsyncIterator[dict[str, FastAPI]]:
    """Yield applications by its middleware; it reads its settings from the environment."""
    import fastapi_sqla
    import structlog
    from fastapi_sqla.base import setup_middlewares, startup

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    is_async = url.get_dialect().is_async
    model = fastapi_sqla.Page[ItemModel]

    def offset_page(paginate: fastapi_sqla.Paginate) -> Any:
        return paginate(ORDERED)

    async def offset_page_async(paginate: fastapi_sqla.AsyncPaginate) -> Any:
        return await paginate(ORDERED)

    os.environ["sqlalchemy_url"] = url.render_as_string(hide_password=False)
    await startup()
    apps = {
        "none": application(plain_async if is_async else plain),
        "offset": application(offset_page_async if is_async else offset_page, response_model=model),
    }
    for app in apps.values():
        setup_middlewares(app)
    del os.environ["sqlalchemy_url"]
    yield apps
    await _dispose(url)


async def _dispose(url: URL) -> None:
    """Close the connections, which fastapi-sqla leaves open."""
    from fastapi_sqla import async_sqla, sqla

    if url.get_dialect().is_async:
        await async_sqla._async_session_factories["default"].kw["bind"].dispose()
    else:
        sqla._session_factories["default"].kw["bind"].dispose()


@asynccontextmanager
async def fastapi_pagination_applications(url: URL) -> AsyncIterator[dict[str, FastAPI]]:
    """Yield applications by its pages, with a session by a dependency: it has none of its own."""
    from fastapi_pagination import LimitOffsetPage, add_pagination
    from fastapi_pagination.cursor import CursorPage
    from fastapi_pagination.ext.sqlalchemy import apaginate, paginate

    is_async = url.get_dialect().is_async
    engine: Any = create_async_engine(url) if is_async else create_engine(url)

    def open_session() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    async def open_async_session() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            yield session

    def page(session: Annotated[Session, Depends(open_session)]) -> Any:
        return paginate(session, ORDERED)

    async def page_async(session: Annotated[AsyncSession, Depends(open_async_session)]) -> Any:
        return await apaginate(session, ORDERED)

    models = {"offset": LimitOffsetPage[ItemModel], "cursor": CursorPage[ItemModel]}
    apps = {
        kind: application(page_async if is_async else page, response_model=model)
        for kind, model in models.items()
    }
    for app in apps.values():
        add_pagination(app)
    yield apps
    if is_async:
        await engine.dispose()
    else:
        engine.dispose()
