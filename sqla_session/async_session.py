"""The asyncio session class and its dependency; the one module here that needs greenlet."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession as SqlaAsyncSession

from .dependencies import AsyncSessionDependency

try:
    from sqlmodel.ext.asyncio.session import AsyncSession as SqlaAsyncSession
except ImportError:
    pass

__all__ = ["AsyncSession", "SqlaAsyncSession"]

AsyncSession = Annotated[SqlaAsyncSession, Depends(AsyncSessionDependency())]
"""The default asyncio session of the request, as the annotation of a parameter."""
