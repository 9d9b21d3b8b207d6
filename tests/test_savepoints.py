"""Several sessions in one transaction, ending in every order, on each database."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    create_engine,
    event,
    insert,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.orm import Session

from sqla_session.savepoints import SharedConnection
from sqla_session.statements import may_write

from .databases import IS_FULL, SYNC_DRIVERS, Database, database_of

METADATA = MetaData()
ROWS = Table("savepoints", METADATA, Column("id", Integer, primary_key=True))


@pytest.fixture(params=SYNC_DRIVERS)
def sync_database(request: pytest.FixtureRequest, databases: dict[str, Database]) -> Database:
    return database_of(request, databases, request.param)


@pytest.fixture
def shared(sync_database: Database) -> Iterator[SharedConnection]:
    with sync_database.tables(METADATA):
        engine = create_engine(sync_database.url)
        with engine.connect() as connection:
            connection.begin()
            if sync_database.backend == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield SharedConnection(connection)
            connection.rollback()
        engine.dispose()
        with sync_database.connect() as outside:
            assert outside.scalars(select(ROWS.c.id)).all() == []


def new_session(shared: SharedConnection) -> Session:
    bind: Any = shared.for_session()
    return Session(bind, join_transaction_mode="create_savepoint")


def add(session: Session, *ids: int) -> None:
    session.execute(insert(ROWS), [{"id": each} for each in ids])


def ids(session: Session) -> list[int]:
    return sorted(session.scalars(select(ROWS.c.id)))


def rows(shared: SharedConnection) -> list[int]:
    assert isinstance(shared.connection, Connection)
    return sorted(shared.connection.scalars(select(ROWS.c.id)))


@pytest.fixture
def first(shared: SharedConnection) -> Iterator[Session]:
    with new_session(shared) as session:
        yield session


@pytest.fixture
def second(shared: SharedConnection) -> Iterator[Session]:
    with new_session(shared) as session:
        yield session


def test_what_began_first_can_commit_first(
    shared: SharedConnection, first: Session, second: Session
) -> None:
    add(first, 1)
    add(second, 2)

    first.commit()
    second.commit()

    assert rows(shared) == [1, 2]


def test_what_began_last_can_commit_first(
    shared: SharedConnection, first: Session, second: Session
) -> None:
    add(first, 1)
    add(second, 2)

    second.commit()
    first.commit()

    assert rows(shared) == [1, 2]


def test_a_rollback_keeps_what_others_committed_before_its_own_writes(
    shared: SharedConnection, first: Session, second: Session
) -> None:
    assert ids(first) == []
    add(second, 2)
    second.commit()
    assert ids(first) == [2]
    add(first, 1)

    first.rollback()

    assert rows(shared) == [2]


def test_a_rollback_keeps_what_others_wrote_before_its_own_writes_and_commit_later(
    shared: SharedConnection, first: Session, second: Session
) -> None:
    assert ids(first) == []
    add(second, 2)
    add(first, 1)

    first.rollback()
    second.commit()

    assert rows(shared) == [2]


def test_a_rollback_undoes_all_of_its_session_but_what_it_committed(
    shared: SharedConnection, first: Session, second: Session
) -> None:
    add(first, 1)
    first.commit()
    add(second, 2)
    add(second, 3)

    second.rollback()

    assert rows(shared) == [1]


def test_a_commit_raises_if_a_rollback_beneath_it_undid_its_writes(
    shared: SharedConnection, first: Session, second: Session
) -> None:
    add(first, 1)
    add(second, 2)
    first.rollback()

    with pytest.raises(InvalidRequestError, match="another session, which wrote before this one"):
        second.commit()
    second.rollback()

    assert rows(shared) == []


def test_a_rollback_after_its_writes_were_undone_is_silent(
    shared: SharedConnection, first: Session, second: Session
) -> None:
    add(first, 1)
    add(second, 2)

    first.rollback()
    second.rollback()
    add(second, 3)
    second.commit()

    assert rows(shared) == [3]


def test_a_rollback_warns_if_it_undoes_what_another_session_committed(
    shared: SharedConnection, first: Session, second: Session
) -> None:
    add(first, 1)
    add(second, 2)
    second.commit()

    with pytest.warns(UserWarning, match="undid what another session had committed"):
        first.rollback()

    assert rows(shared) == []


def test_a_rollback_warns_if_the_savepoint_of_what_was_committed_is_released_already(
    shared: SharedConnection, first: Session, second: Session
) -> None:
    add(first, 1)
    add(second, 2)
    second.commit()
    assert ids(first) == [1, 2]
    add(first, 3)

    with pytest.warns(UserWarning, match="undid what another session had committed"):
        first.rollback()

    assert rows(shared) == []


def test_nested_transactions_end_on_their_own_while_another_session_works(
    shared: SharedConnection, first: Session, second: Session
) -> None:
    add(first, 1)
    with first.begin_nested():
        add(first, 2)
    add(second, 3)
    with first.begin_nested() as undone:
        add(first, 4)
        undone.rollback()
    second.commit()
    first.commit()

    assert rows(shared) == [1, 2, 3]


def test_a_rollback_undoes_nested_transactions_that_were_committed(
    shared: SharedConnection, first: Session
) -> None:
    with first.begin_nested():
        add(first, 1)
    with first.begin_nested():
        add(first, 2)

    first.rollback()

    assert rows(shared) == []


def test_a_failed_statement_leaves_the_other_session_its_writes(
    shared: SharedConnection, first: Session, second: Session
) -> None:
    add(first, 1)
    with pytest.raises(IntegrityError):
        add(second, 1)
    second.rollback()

    first.commit()

    assert rows(shared) == [1]


def test_a_failed_read_is_rolled_back_alone(
    shared: SharedConnection, first: Session, second: Session
) -> None:
    assert ids(second) == []
    add(first, 1)
    first.commit()
    with pytest.raises(Exception, match="no_such_table"):
        second.execute(text("SELECT 1 FROM no_such_table"))
    second.rollback()

    assert ids(second) == [1]


def test_the_connection_of_a_session_ends_nothing_but_the_session_s_own(
    shared: SharedConnection, first: Session
) -> None:
    connection = first.connection(execution_options={"isolation_level": "SERIALIZABLE"})
    connection.execute(insert(ROWS), {"id": 1})
    with connection.begin_nested():
        connection.execute(insert(ROWS), {"id": 2})
    connection.commit()
    connection.close()
    first.invalidate()

    assert rows(shared) == [1, 2]
    # The fixture asserts that the test's transaction is still there to be rolled back.


@pytest.mark.parametrize("seed", range(150 if IS_FULL else 40))
def test_in_any_interleaving_what_is_committed_is_there_or_its_loss_is_told(seed: int) -> None:
    choice = Random(seed)
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        METADATA.create_all(connection)
        shared = SharedConnection(connection)
        sessions = [new_session(shared) for _ in range(3)]
        # What each session has done, a list for each savepoint of its own that is open.
        pending: dict[Session, list[list[int]]] = {session: [[]] for session in sessions}
        committed: list[int] = []
        told = False
        for step in range(1, 40):
            session = choice.choice(sessions)
            mine = pending[session]
            match choice.choice(["add", "add", "read", "read", "begin", "end", "undo", "commit"]):
                case "add":
                    add(session, step)
                    mine[-1].append(step)
                case "read":
                    assert told or set(committed) <= set(ids(session))
                case "begin":
                    session.begin_nested()
                    mine.append([])
                case "end" if (nested := session.get_nested_transaction()) and len(mine) > 1:
                    with expected_loss() as loss:
                        nested.commit()
                    if loss:
                        with expected_loss():
                            session.rollback()
                        told, pending[session] = True, [[]]
                    else:
                        mine[-2].extend(mine.pop())
                case "undo":
                    nested = session.get_nested_transaction()
                    with expected_loss() as loss:
                        (nested or session).rollback()
                    told |= bool(loss)
                    mine.pop()
                    pending[session] = mine or [[]]
                case "commit":
                    with expected_loss() as loss:
                        session.commit()
                    if loss:
                        with expected_loss():
                            session.rollback()
                    told |= bool(loss)
                    committed += [] if loss else [each for level in mine for each in level]
                    pending[session] = [[]]
                case _:
                    pass
        for session in sessions:
            with expected_loss() as loss:
                session.close()
            told |= bool(loss)
        found = rows(shared)
    engine.dispose()

    assert set(found) <= set(committed)
    assert told or found == sorted(committed)


@contextmanager
def expected_loss() -> Iterator[list[object]]:
    """Note a refused commit, and the warnings of a rollback."""
    loss: list[object] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield loss
        except InvalidRequestError as error:
            if "another session" not in str(error):
                raise
            loss.append(error)
        loss.extend(caught)


def test_many_nested_transactions_leave_no_savepoints_behind(
    shared: SharedConnection, first: Session, second: Session
) -> None:
    add(first, 1)
    for each in range(2, 30):
        with first.begin_nested():
            add(first, each)
        assert ids(second)[-1] == each
        second.rollback()

    statements: list[str] = []
    assert isinstance(shared.connection, Connection)
    event.listen(
        shared.connection,
        "before_cursor_execute",
        lambda *arguments: statements.append(arguments[2]),
    )
    first.commit()

    assert len(statements) <= 1
    assert rows(shared) == list(range(1, 30))


def test_a_session_that_outlives_the_test_s_transaction_is_told(
    shared: SharedConnection, first: Session, second: Session
) -> None:
    add(first, 1)
    assert isinstance(shared.connection, Connection)
    shared.connection.rollback()

    with pytest.raises(InvalidRequestError, match="transaction of the test"):
        ids(second)
    first.rollback()


def test_a_connection_outside_of_a_transaction_is_refused() -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(InvalidRequestError, match="begin one"):
        SharedConnection(connection)
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "writes"),
    [
        ("SELECT 1", False),
        ("WITH some AS (SELECT 1) SELECT * FROM some", False),
        ("WITH gone AS (DELETE FROM a RETURNING id) SELECT * FROM gone", True),
        ("WITH some AS (SELECT 1) INSERT INTO a SELECT * FROM some", True),
    ],
)
def test_a_with_may_write(statement: str, writes: bool) -> None:
    assert may_write(statement) is writes
