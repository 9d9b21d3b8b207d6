"""Lets several sessions share one connection and its open transaction, for tests.

A database's savepoints are a stack, and sessions do not end in the order in which they began. So
a savepoint here is owned by one session's transaction, is emitted when its owner first executes a
statement, and again whenever the connection changes hands:

    A reads            SAVEPOINT 1        [A]
    B writes           SAVEPOINT 2        [A, B]
    A reads            SAVEPOINT 3        [A, B, A]
    B commits                             [A, -, A]       2 cannot be released below 3
    A rolls back       ROLLBACK TO 3      [A, -]          1 covers nothing that A wrote
                       RELEASE 1          []              B's rows stay

A rollback goes to the lowest savepoint under which its owner wrote. What others wrote above it is
undone with it: their own commit then raises, and if it had come before, the rollback warns.
"""

import warnings
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Transaction, event
from sqlalchemy.exc import InvalidRequestError

from .statements import may_write

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import ExecutionContext
    from sqlalchemy.ext.asyncio import AsyncConnection

_OF_A_NEW_TRANSACTION: Final = frozenset(
    {"isolation_level", "postgresql_deferrable", "postgresql_readonly"}
)


class SharedConnection:
    """A connection in an open transaction, which several sessions share.

    Sessions work on it one at a time: it is no more safe for threads or concurrent tasks than the
    connection itself. Nobody but the giver of the connection ends its transaction.

    Example:
        >>> from sqlalchemy import create_engine, text
        >>> from sqlalchemy.orm import Session
        >>> from sqla_session.savepoints import SharedConnection
        >>> engine = create_engine("sqlite://")
        >>> with engine.connect() as connection:
        ...     transaction = connection.begin()
        ...     shared = SharedConnection(connection)
        ...     with Session(shared.for_session(), join_transaction_mode="create_savepoint") as one:
        ...         one.scalar(text("SELECT 1"))
        ...         one.commit()
        ...     transaction.rollback()
        1
        >>> engine.dispose()
    """

    __slots__ = ("_names", "_savepoints", "_sync", "connection")

    def __init__(self, connection: "Connection | AsyncConnection") -> None:
        sync = connection if isinstance(connection, Connection) else connection.sync_connection
        if sync is None or not sync.in_transaction():
            raise InvalidRequestError("the connection to share is not in a transaction: begin one")
        self.connection = connection
        self._sync = sync
        self._savepoints: list[_Savepoint] = []
        self._names = count(1)

    def for_session(self) -> "Connection | AsyncConnection":
        """Return what to bind one new session to; asyncio if the shared connection is."""
        sync = _SessionConnection(self, self._sync)
        if isinstance(self.connection, Connection):
            return sync
        return type(self.connection)(self.connection.engine, sync)

    def before_statement(self, owner: "_SessionTransaction", statement: str) -> None:
        """Have a savepoint of this owner on top."""
        if not self._sync.in_transaction():
            raise InvalidRequestError(
                "the transaction of the test, which this session shared, has ended"
            )
        top = self._savepoints[-1] if self._savepoints else None
        if top is None or top.owner is not owner or top.holds_others:
            if top is not None and top.owner is owner and not top.written:
                self._disown(owner, top)
            top = _Savepoint(f"sqla_session_{next(self._names)}", owner)
            self._sync.dialect.do_savepoint(self._sync, top.name)
            self._savepoints.append(top)
        # A SELECT may call a function that writes: its savepoint is rolled back to as long as it is
        # the top one, but never at the cost of another session's rows.
        top.written |= may_write(statement)

    def commit(self, owner: "_SessionTransaction") -> None:
        """Leave what the owner did to its parent; to the test's transaction, if it has none."""
        owned = [savepoint for savepoint in self._savepoints if savepoint.owner is owner]
        for savepoint in owned:
            savepoint.owner = owner.parent
        try:
            self._release()
        except Exception:  # PostgreSQL, after a statement that failed and was not rolled back
            for savepoint in owned:
                savepoint.owner = owner
            self.rollback(owner)
            raise

    def rollback(self, owner: "_SessionTransaction") -> None:
        """Undo what the owner did."""
        if not self._sync.in_transaction():
            self._savepoints.clear()
            return
        lowest = self._lowest(owner)
        undone = self._savepoints[lowest:]
        if undone:
            # In this order, a failure leaves the savepoints here as they are on the server.
            self._sync.dialect.do_rollback_to_savepoint(self._sync, undone[0].name)
            del self._savepoints[lowest + 1 :]
            self._sync.dialect.do_release_savepoint(self._sync, undone[0].name)
            del self._savepoints[lowest:]
        self._disown(owner, *self._savepoints)

        others = [savepoint for savepoint in undone if savepoint.owner is not owner]
        for savepoint in others:
            if savepoint.owner is not None and savepoint.written:
                savepoint.owner.lost = True
        if any(savepoint.owner is None and savepoint.written for savepoint in others) or any(
            savepoint.holds_others for savepoint in undone
        ):
            warnings.warn(
                "this rollback also undid what another session had committed meanwhile, since "
                "the sessions of a test share one connection: commit this session before the "
                "other one writes, or mark the test with dont_patch_engines",
                stacklevel=2,
            )

    def _lowest(self, owner: "_SessionTransaction") -> int:
        """Return the position of the savepoint to roll back to."""
        for position, savepoint in enumerate(self._savepoints):
            if savepoint.owner is owner and savepoint.written:
                return position
        # A failed read, which PostgreSQL wants rolled back too, is always in the top savepoint.
        top = self._savepoints[-1] if self._savepoints else None
        is_top = top is not None and top.owner is owner and not top.holds_others
        return len(self._savepoints) - is_top

    def _disown(self, owner: "_SessionTransaction", *savepoints: "_Savepoint") -> None:
        for savepoint in savepoints:
            if savepoint.owner is owner:
                savepoint.owner = None
        self._release()

    def _release(self) -> None:
        """Release the savepoints on top that nobody will roll back to alone."""
        end = len(self._savepoints)
        while end and self._savepoints[end - 1].owner is None:
            end -= 1
        if end < len(self._savepoints):
            ended = self._savepoints[end:]
            self._sync.dialect.do_release_savepoint(self._sync, ended[0].name)
            del self._savepoints[end:]
            if end:
                self._savepoints[-1].holds_others |= any(
                    savepoint.written or savepoint.holds_others for savepoint in ended
                )
        while len(self._savepoints) > 1:
            below, top = self._savepoints[-2:]
            if below.owner is not top.owner or below.holds_others:
                break
            self._sync.dialect.do_release_savepoint(self._sync, top.name)
            self._savepoints.pop()
            below.written |= top.written
            below.holds_others |= top.holds_others


@dataclass(slots=True)
class _Savepoint:
    """One savepoint that exists in the database.

    Without an owner, it was committed. `holds_others`: work that others committed was merged in.
    """

    name: str
    owner: "_SessionTransaction | None"
    written: bool = False
    holds_others: bool = False


class _SessionTransaction(Transaction):
    """What a session takes for its transaction or savepoint."""

    __slots__ = ("_own", "connection", "is_active", "lost", "parent")

    def __init__(self, connection: "_SessionConnection") -> None:
        self.connection = self._own = connection
        self.parent = connection.transactions[-1] if connection.transactions else None
        self.is_active = True
        self.lost = False
        connection.transactions.append(self)

    def __enter__(self) -> "_SessionTransaction":
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None and self.is_active:
            self.commit()
        else:
            self.rollback()

    @property
    def is_valid(self) -> bool:
        """Whether it can still be ended."""
        return self.is_active

    def commit(self) -> None:
        """Keep what was done, as far as the parent and the test's transaction are kept."""
        if not self.is_active:
            raise InvalidRequestError("this transaction is inactive")
        if self.lost:
            raise InvalidRequestError(
                "cannot commit: another session, which wrote before this one on the connection "
                "that the sessions of a test share, has rolled back and undone this one's work"
            )
        for inner in self._ended():
            self._own.shared.commit(inner)

    def rollback(self) -> None:
        """Undo what was done; nothing, if it has ended already."""
        if self.is_active:
            for inner in self._ended():
                self._own.shared.rollback(inner)

    def close(self) -> None:
        """Roll back, unless it has ended."""
        self.rollback()

    def _ended(self) -> "list[_SessionTransaction]":
        """Return this one and those within it, innermost first, which have all ended now."""
        transactions = self._own.transactions
        position = transactions.index(self)
        ended = transactions[position:]
        del transactions[position:]
        for transaction in ended:
            transaction.is_active = False
        return ended[::-1]


class _SessionConnection(Connection):
    """The shared connection as one session sees it: as its own.

    It never begins, commits or closes anything itself.
    """

    def __init__(self, shared: SharedConnection, connection: Connection) -> None:
        super().__init__(connection.engine, connection.connection)
        self.shared = shared
        self.transactions: list[_SessionTransaction] = []
        event.listen(self, "before_cursor_execute", self._before_statement)

    def _before_statement(
        self,
        connection: Connection,
        cursor: object,
        statement: str,
        parameters: object,
        context: "ExecutionContext | None",
        executemany: bool,
    ) -> None:
        self.shared.before_statement(self.begin(), statement)

    def in_transaction(self) -> bool:
        """Whether there is a transaction to join: always, the test's."""
        return True

    def in_nested_transaction(self) -> bool:
        """Whether the session has begun its own."""
        return bool(self.transactions)

    # Connection calls it before each statement, having no transaction of its own.
    def begin(self) -> _SessionTransaction:  # type: ignore[override]
        """Return the current transaction; begin one, if there is none."""
        return self.transactions[-1] if self.transactions else _SessionTransaction(self)

    def begin_nested(self) -> _SessionTransaction:  # type: ignore[override]
        """Begin a transaction within the current one."""
        return _SessionTransaction(self)

    def get_transaction(self) -> _SessionTransaction | None:  # type: ignore[override]
        """Return the outermost transaction of the session."""
        return self.transactions[0] if self.transactions else None

    def get_nested_transaction(self) -> _SessionTransaction | None:  # type: ignore[override]
        """Return the innermost transaction of the session."""
        return self.transactions[-1] if self.transactions else None

    def commit(self) -> None:
        """Commit what the session has begun."""
        if self.transactions:
            self.transactions[0].commit()

    def rollback(self) -> None:
        """Roll back what the session has begun."""
        if self.transactions:
            self.transactions[0].rollback()

    def close(self) -> None:
        """Roll back what the session has begun."""
        self.rollback()

    def invalidate(self, exception: BaseException | None = None) -> None:
        """Do nothing: the connection is not the session's to give up."""

    def execution_options(self, **opt: Any) -> Connection:
        """Set options, except those that only a new transaction can have."""
        return super().execution_options(
            **{name: value for name, value in opt.items() if name not in _OF_A_NEW_TRANSACTION}
        )
