"""What happens after the response began: streams and background tasks."""

import gc

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from .application import Application, Note, read, write

WARNING = (
    "session key 'default': changes made after the response began were rolled back; "
    "use open_session in a background task or a stream, or commit there"
)

TWO = pytest.mark.parametrize("database", ["sqlite+pysqlite", "postgresql+asyncpg"], indirect=True)


def nothing(session: Session) -> str:
    return "nothing"


def change_loaded(session: Session) -> None:
    session.scalars(select(Note)).one().body = "changed"


def insert_by_statement(session: Session) -> None:
    session.execute(insert(Note).values(body="late"))


def insert_by_text(session: Session) -> None:
    session.execute(text("INSERT INTO session_note (body) VALUES ('late')"))


def insert_by_connection(session: Session) -> None:
    session.connection().exec_driver_sql("INSERT INTO session_note (body) VALUES ('late')")


def update_by_statement(session: Session) -> None:
    session.execute(update(Note).values(body="changed"))


def add_without_flush(session: Session) -> None:
    session.add(Note(body="late"))


def write_and_read(session: Session) -> None:
    write("late")(session)
    read(session)


def commit_then_write(session: Session) -> None:
    write("kept")(session)
    session.commit()
    write("late")(session)


def write_and_commit(session: Session) -> None:
    write("kept")(session)
    session.commit()


def write_commit_and_read(session: Session) -> None:
    write_and_commit(session)
    read(session)


def write_and_roll_back(session: Session) -> None:
    write("late")(session)
    session.rollback()


def read_rows(session: Session) -> None:
    session.scalars(select(Note).with_for_update()).all()
    session.execute(text("WITH some AS (SELECT 1 AS one) SELECT one FROM some"))


LOST = [
    write("late"),
    insert_by_statement,
    insert_by_text,
    insert_by_connection,
    update_by_statement,
    change_loaded,
    add_without_flush,
    write_and_read,
]
KEPT = [write_and_commit, write_commit_and_read]
HARMLESS = [nothing, read, read_rows, write_and_roll_back]


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "sqla_session"]


@TWO
@pytest.mark.parametrize("place", ["later", "stream"])
@pytest.mark.parametrize("work", LOST)
def test_a_write_after_the_response_began_is_rolled_back_with_a_warning(
    application: Application, caplog: pytest.LogCaptureFixture, place: str, work: object
) -> None:
    works = [nothing, work, nothing] if place == "stream" else work
    application.get("/", write("first"), **{place: works})

    with application.client() as client:
        response = client.get("/")
        left = application.checked_out()

    assert response.status_code == 200
    assert response.text == ("nothingNonenothing" if place == "stream" else "null")
    assert application.notes() == ["first"]
    assert warnings_in(caplog) == [WARNING]
    assert left == 0


@TWO
@pytest.mark.parametrize("place", ["later", "stream"])
@pytest.mark.parametrize("work", KEPT)
def test_an_explicit_commit_after_the_response_began_stays_without_a_warning(
    application: Application, caplog: pytest.LogCaptureFixture, place: str, work: object
) -> None:
    application.get("/", write("first"), **{place: [work] if place == "stream" else work})

    with application.client() as client:
        client.get("/")
        left = application.checked_out()

    assert application.notes() == ["first", "kept"]
    assert warnings_in(caplog) == []
    assert left == 0


@TWO
def test_a_write_after_an_explicit_commit_is_warned_of(
    application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    application.get("/", nothing, later=commit_then_write)

    application.call()

    assert application.notes() == ["kept"]
    assert warnings_in(caplog) == [WARNING]


@TWO
@pytest.mark.parametrize("place", ["later", "stream"])
@pytest.mark.parametrize("work", HARMLESS)
def test_reading_after_the_response_began_gives_no_warning(
    application: Application, caplog: pytest.LogCaptureFixture, place: str, work: object
) -> None:
    application.get("/", write("first"), **{place: [work, nothing] if place == "stream" else work})

    with application.client() as client:
        response = client.get("/")
        left = application.checked_out()

    assert response.status_code == 200
    assert warnings_in(caplog) == []
    assert left == 0


def test_a_stream_reads_what_the_endpoint_has_committed(application: Application) -> None:
    application.get("/", write("first"), stream=[read, lambda session: "-", read])

    assert application.call().text == "1-1"


@TWO
def test_a_background_task_that_raises_leaves_the_committed_work_and_no_connection(
    application: Application,
) -> None:
    def work(session: Session) -> None:
        write("late")(session)
        raise ValueError("boom")

    application.get("/", write("first"), later=work)

    with application.client() as client:
        response = client.get("/")
        left = application.checked_out()

    assert response.status_code == 200
    assert application.notes() == ["first"]
    assert left == 0


def test_objects_of_the_request_remain_usable_in_a_background_task(
    application: Application,
) -> None:
    found: list[Note] = []
    told: list[str] = []

    def work(session: Session) -> None:
        found.append(Note(body="first"))
        session.add_all(found)

    application.get("/", work, later=lambda session: told.append(found[0].body))

    application.call()

    assert told == ["first"]


@TWO
def test_a_long_stream_holds_on_to_no_more_than_one_transaction(
    application: Application,
) -> None:
    connections: list[int] = []

    def poll(session: Session) -> str:
        read(session)
        session.rollback()
        return "."

    def count_connections(session: Session) -> str:
        gc.collect()
        kind = type(session.connection())
        connections.append(sum(type(thing) is kind for thing in gc.get_objects()))
        session.rollback()
        return "."

    application.get("/", nothing, stream=[count_connections, *[poll] * 20, count_connections])

    application.call()

    assert connections[1] - connections[0] <= 1
