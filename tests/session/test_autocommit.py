"""A key in autocommit: what goes over the wire, what is kept, and what is said of it."""

import asyncio
import logging
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from fastapi import HTTPException
from sqlalchemy import URL, insert, select, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from ..databases import Database
from .application import Application, Note, read, write
from .test_cancellation import request

ON_POSTGRESQL = pytest.mark.parametrize(
    "database",
    ["postgresql+psycopg2", "postgresql+psycopg", "postgresql+asyncpg", "postgresql+psycopg_async"],
    indirect=True,
)
EACH = pytest.mark.parametrize(
    "database",
    ["sqlite+pysqlite", "postgresql+psycopg", "postgresql+asyncpg", "mariadb+pymysql"],
    indirect=True,
)

BY_ARGUMENT = {"sqlalchemy_isolation_level": "AUTOCOMMIT"}
BY_OPTION = {"sqlalchemy_execution_options": {"isolation_level": "AUTOCOMMIT"}}
WAYS = pytest.mark.parametrize("settings", [BY_ARGUMENT, BY_OPTION], ids=["argument", "option"])

_HAS_NO_TYPE = {80877103, 80877104}  # requests for TLS and GSSAPI, answered by one byte
_HEADER = struct.Struct("!I")


class Wire:
    """A relay to PostgreSQL that notes what is sent to it."""

    def __init__(self, url: URL) -> None:
        host = url.host or url.query.get("host") or "localhost"
        assert isinstance(host, str)
        self._at: Any = (host, url.port or 5432)
        if host.startswith("/"):
            self._at = f"{host}/.s.PGSQL.{url.port or 5432}"
        self.statements: list[str] = []
        self.round_trips = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = url.set(host="127.0.0.1", port=self._socket.getsockname()[1], query={})
        threading.Thread(target=self._accept, daemon=True).start()

    def clear(self) -> None:
        self.statements.clear()
        self.round_trips = 0

    def close(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                server = socket.socket(
                    socket.AF_UNIX if isinstance(self._at, str) else socket.AF_INET
                )
                server.connect(self._at)
                for target in (self._to_server, self._to_client):
                    threading.Thread(target=target, args=(client, server), daemon=True).start()

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        self._hang_up(client, server)

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on message by message; https://www.postgresql.org/docs/current/protocol.html."""
        stream = client.makefile("rb")
        is_started = False
        with suppress(OSError, struct.error):
            while True:
                kind = stream.read(1) if is_started else b""
                header = stream.read(4)
                (length,) = _HEADER.unpack(header)
                body = stream.read(length - 4)
                if not is_started:
                    is_started = _HEADER.unpack(body[:4])[0] not in _HAS_NO_TYPE
                self._note(kind, body)
                server.sendall(kind + header + body)
        self._hang_up(client, server)

    def _hang_up(self, *sockets: socket.socket) -> None:
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # wakes the other thread too, as close does not
            one.close()

    def _note(self, kind: bytes, body: bytes) -> None:
        match kind:
            case b"Q":  # a simple query
                self.statements.append(body.rstrip(b"\0").decode())
                self.round_trips += 1
            case b"P":  # Parse: the name of the statement, then its text
                self.statements.append(body.split(b"\0")[1].decode())
            case b"S":  # Sync
                self.round_trips += 1
            case _:
                pass


@contextmanager
def wired(database: Database, **settings: Any) -> Iterator[tuple[Application, Wire]]:
    wire = Wire(database.url)
    url = wire.url.render_as_string(hide_password=False)
    try:
        yield Application(database, **{"sqlalchemy_url": url, **settings}), wire
    finally:
        wire.close()


def sent_by_a_request(database: Database, **settings: Any) -> tuple[list[str], int]:
    """What a request that reads twice sends, once its statements are prepared."""

    def twice(session: Session) -> int:
        return len(session.scalars(select(Note)).all()) + read(session)

    with wired(database, **settings) as (application, wire):
        application.get("/", twice)

        async def run() -> None:
            async with application.registry.lifespan():
                for _ in range(8):  # psycopg prepares a statement when it has come five times
                    wire.clear()
                    assert len(await request(application)) == 2

        asyncio.run(run())
        return wire.statements, wire.round_trips


def transactions_in(statements: list[str]) -> list[str]:
    words = ("BEGIN", "COMMIT", "ROLLBACK")
    return [text for text in statements if text.upper().startswith(words)]


@ON_POSTGRESQL
@WAYS
def test_nothing_but_the_statements_goes_over_the_wire(
    tables: Database, settings: dict[str, Any]
) -> None:
    statements, round_trips = sent_by_a_request(tables, **settings)

    assert transactions_in(statements) == []
    # The option is set anew for each request, for which psycopg2 asks once more.
    assert round_trips == 2 or settings is BY_OPTION


@ON_POSTGRESQL
def test_without_it_a_transaction_does_too(tables: Database) -> None:
    statements, round_trips = sent_by_a_request(tables)

    assert len(transactions_in(statements)) == 2
    assert round_trips > 2


def refuse(session: Session) -> None:
    read(session)
    raise HTTPException(409)


@EACH
@WAYS
def test_a_request_commits_rolls_back_and_raises_as_ever(
    tables: Database, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    application = Application(tables, **settings)
    application.get("/", read)
    application.get("/refused", refuse)

    with application.client() as client, caplog.at_level(logging.WARNING):
        statuses = [client.get(path).status_code for path in ("/", "/refused", "/")]
        left = application.checked_out()

    assert (statuses, left) == ([200, 409, 200], 0)
    assert caplog.messages == []


@EACH
@WAYS
def test_what_is_written_late_is_kept_and_not_said_to_be_lost(
    tables: Database, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    application = Application(tables, **settings)

    def insert_late(session: Session) -> None:
        session.execute(insert(Note).values(body="late"))

    application.get("/", read, later=insert_late)

    with caplog.at_level(logging.WARNING):
        application.call()

    assert application.notes() == ["late"]
    assert caplog.messages == []


@EACH
def test_what_is_only_added_late_is_lost_and_said_to_be(
    tables: Database, caplog: pytest.LogCaptureFixture
) -> None:
    application = Application(tables, **BY_ARGUMENT)
    application.get("/", read, later=lambda session: session.add(Note(body="late")))

    with caplog.at_level(logging.WARNING):
        application.call()

    assert application.notes() == []
    assert len(caplog.messages) == 1


@EACH
def test_a_key_in_autocommit_leaves_the_others_their_transactions(
    tables: Database, caplog: pytest.LogCaptureFixture
) -> None:
    keyed = {"fastapi_sqla__reader__sqlalchemy_url": tables.url_text}
    keyed["fastapi_sqla__reader__sqlalchemy_isolation_level"] = "autocommit"
    application = Application(tables, **keyed)
    application.get("/", read, key="reader")
    application.get("/kept", write("kept"))

    def insert_late(session: Session) -> None:
        session.execute(insert(Note).values(body="late"))

    application.get("/late", read, later=insert_late)

    with application.client() as client, caplog.at_level(logging.WARNING):
        for path in ("/", "/kept", "/late"):
            client.get(path)

    assert application.notes() == ["kept"]
    assert len(caplog.messages) == 1


@EACH
def test_a_statement_that_failed_and_was_caught_undoes_nothing(tables: Database) -> None:
    application = Application(tables, **BY_ARGUMENT)

    def work(session: Session) -> None:
        session.execute(insert(Note).values(body="kept"))
        with pytest.raises(ProgrammingError if not_sqlite(session) else OperationalError):
            session.execute(text("SELECT 1 FROM no_such_table"))

    application.get("/", work)

    assert application.call().status_code == 200
    assert application.notes() == ["kept"]


def not_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name != "sqlite"
