"""Every example of the README runs: each Python block in a process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

SCHEMA = """
CREATE TABLE author (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL);
CREATE TABLE novel (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES author (id));
INSERT INTO author VALUES (1, 'Queneau'), (2, 'Austen');
INSERT INTO novel VALUES (1, 1), (2, 2), (3, 2);
INSERT INTO book VALUES (1, 'Zazie', '1'), (2, 'Emma', '2'), (3, 'Persuasion', '3');
"""

# Runs a block, then the application in it: each of its GET endpoints must answer.
RUN = """
import asyncio, runpy, sys, warnings
warnings.simplefilter("error")
# Of an old Starlette with a new anyio.
warnings.filterwarnings("ignore", "The anyio.abc.BlockingPortal alias", DeprecationWarning)
names = runpy.run_path(sys.argv[1])
import sqla_session
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
app = names.get("app")
if app is None:
    app = FastAPI()
    sqla_session.setup(app)
    if isinstance(names.get("router"), APIRouter):
        app.include_router(names["router"])
with TestClient(app) as client:
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        if "get" in operations and "{" not in path:
            response = client.get(path)
            assert response.status_code == 200, (path, response.text)
            print("GET", path, response.text)
"""


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(README) if found == language]


def title_of(block: str) -> str:
    """Return the heading that a block stands under."""
    before = README[: README.index(block)]
    return re.findall(r"^#+ (.*)$", before, re.MULTILINE)[-1]


APPLICATIONS = [block for block in blocks("python") if "# tests/" not in block]
TESTS = [block for block in blocks("python") if "# tests/" in block]


def folder_with_database(folder: Path) -> Path:
    import sqlite3

    connection = sqlite3.connect(folder / "library.sqlite")
    connection.executescript(blocks("sql")[0] + SCHEMA)
    connection.close()
    return folder


def run(folder: Path, *command: str, **variables: str) -> str:
    kept = {name: value for name, value in os.environ.items() if "sqlalchemy" not in name.lower()}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "block", [pytest.param(block, id=title_of(block)) for block in APPLICATIONS]
)
def test_an_example_runs_and_its_endpoints_answer(tmp_path: Path, block: str) -> None:
    folder_with_database(tmp_path)
    (tmp_path / "example.py").write_text(block)
    (tmp_path / "run.py").write_text(RUN)
    driver = "sqlite+aiosqlite" if re.search(r"import.*\bAsyncSession\b", block) else "sqlite"

    output = run(
        tmp_path,
        *("run.py", "example.py"),
        sqlalchemy_url=f"{driver}:///library.sqlite",
        fastapi_sqla__READ_ONLY__sqlalchemy_url="sqlite:///library.sqlite",
        fastapi_sqla__reports__sqlalchemy_url="sqlite+aiosqlite:///library.sqlite",
    )

    assert "router" not in block or "GET" in output


def test_the_quick_example_answers_as_shown(tmp_path: Path) -> None:
    import json

    import httpx2 as httpx

    folder_with_database(tmp_path)
    (tmp_path / "library.py").write_text(APPLICATIONS[0])
    shown = json.loads(blocks("json")[0])
    environment = {**os.environ, "sqlalchemy_url": "sqlite:///library.sqlite"}
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "library:app", "--port", "0"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        address = next(
            found[0] for line in server.stderr if (found := re.findall(r"http://[\d.:]+", line))
        )
        for number in range(39):
            new = {"title": f"Title {number}", "isbn": f"new {number}"}
            assert httpx.post(f"{address}/books", json=new).status_code == 201
        conflict = httpx.post(f"{address}/books", json={"title": "Other", "isbn": "new 1"})
        page = httpx.get(f"{address}/books?offset=40&limit=10").json()
        missing = httpx.get(f"{address}/books/1000")
    finally:
        server.terminate()
        server.communicate()

    assert page["meta"] == shown["meta"]
    assert [set(item) for item in page["data"]] == [set(item) for item in shown["data"]]
    assert (conflict.status_code, missing.status_code) == (409, 404)


PRINTED = re.findall(
    r"^```python\n((?:(?!```).)*?print\(.*?)^```\n\n```(?:sql)?\n(.*?)^```$",
    README,
    re.MULTILINE | re.DOTALL,
)


def test_there_are_examples_that_print() -> None:
    assert len(PRINTED) == 3


@pytest.mark.parametrize(("block", "shown"), PRINTED)
def test_an_example_that_prints_prints_what_is_shown(
    tmp_path: Path, block: str, shown: str
) -> None:
    (tmp_path / "example.py").write_text(block)

    assert run(tmp_path, "example.py").split() == shown.split()


def test_the_examples_of_tests_pass(tmp_path: Path) -> None:
    folder_with_database(tmp_path)
    (tmp_path / "my_app").mkdir()
    (tmp_path / "my_app" / "models.py").write_text(
        'from sqla_session import Base\n\n\nclass User(Base):\n    __tablename__ = "user"\n'
    )
    (tmp_path / "my_app" / "main.py").write_text(
        "from fastapi import FastAPI\n"
        "from pydantic import BaseModel\n"
        "from sqlalchemy import select\n"
        "from sqla_pages import CursorPage, CursorPaginate, Page, Paginate\n"
        "from sqla_session import AsyncSession, Session, setup\n"
        "from my_app.models import User\n\n"
        "app = FastAPI()\nsetup(app)\n\n\n"
        '@app.get("/users")\ndef users(session: Session):\n'
        '    return [{"name": name} for name in session.scalars(select(User.name))]\n\n\n'
        "class Member(BaseModel):\n    id: int\n    name: str\n\n\n"
        '@app.get("/members", response_model=Page[Member])\n'
        "def members(paginate: Paginate):\n"
        "    return paginate(select(User).order_by(User.name))\n\n\n"
        '@app.get("/members/feed", response_model=CursorPage[Member])\n'
        "def feed(paginate: CursorPaginate, name: str | None = None):\n"
        "    named = select(User).where(User.name == name) if name else select(User)\n"
        "    return paginate(named.order_by(User.name))\n\n\n"
        '@app.post("/users")\ndef add(new: dict[str, str], session: Session):\n'
        "    session.add(User(**new))\n\n\n"
        '@app.get("/async-users")\nasync def async_users(session: AsyncSession):\n'
        '    return [{"name": name} for name in await session.scalars(select(User.name))]\n'
    )
    import sqlite3

    connection = sqlite3.connect(tmp_path / "library.sqlite")
    connection.execute("CREATE TABLE user (id INTEGER PRIMARY KEY, name VARCHAR(20))")
    connection.close()
    (tmp_path / "tests").mkdir()
    for block in TESTS:
        name = re.match(r"# tests/(\w+\.py)", block)
        assert name
        text = re.sub(r'"postgresql\+psycopg://\S*"', '"sqlite:///library.sqlite"', block)
        (tmp_path / "tests" / name[1]).write_text(text)

    output = run(
        tmp_path,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "tests"),
        PYTHONPATH=str(tmp_path),
        PYTHONDONTWRITEBYTECODE="1",
    )

    assert "8 passed" in output


def test_the_two_commands_are_the_ones_that_ci_runs() -> None:
    commands = [block for block in blocks("bash") if ".venv" in block]

    assert len(commands) == 2
    assert "examples/shop.py" in commands[0]
    assert "pytest" in commands[1]
