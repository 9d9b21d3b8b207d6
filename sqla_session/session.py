"""The session class: SQLModel's where sqlmodel is installed, SQLAlchemy's elsewhere."""

from sqlalchemy.orm import Session as SqlaSession

try:
    from sqlmodel import Session as SqlaSession
except ImportError:
    pass

__all__ = ["SqlaSession"]
