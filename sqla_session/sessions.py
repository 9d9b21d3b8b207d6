"""Makes the sessions of every key, on whatever they are bound to."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from .scope import begin_in_scope
from .session import SqlaSession

if TYPE_CHECKING:
    from .async_session import SqlaAsyncSession


class _Session(SqlaSession):
    """The session of every key, whose request's scope is told of each transaction."""


event.listen(_Session, "after_begin", begin_in_scope)


def new_session(bind: Any) -> SqlaSession:
    """Return a new sync session."""
    return _Session(bind, join_transaction_mode="create_savepoint")


def new_async_session(bind: Any) -> "SqlaAsyncSession":
    """Return a new asyncio session; it keeps objects on commit, as it cannot refresh on access."""
    from .async_session import SqlaAsyncSession  # needs greenlet

    return SqlaAsyncSession(
        bind,
        sync_session_class=_Session,
        expire_on_commit=False,
        join_transaction_mode="create_savepoint",
    )
