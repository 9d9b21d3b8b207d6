"""What importing the packages brings along, each time in a process of its own."""

import subprocess
import sys

import pytest

import sqla_pages
import sqla_session

BLOCK_GREENLET = "import sys; sys.modules['greenlet'] = None; "


def imported(code: str) -> set[str]:
    """Return the modules that are loaded after running the code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_core_of_sqla_pages_brings_neither_fastapi_nor_the_sessions() -> None:
    modules = imported("from sqla_pages import offset_page, Page, count")

    assert "sqla_pages.plan" in modules
    assert not modules & {"fastapi", "starlette", "sqla_session"}


@pytest.mark.parametrize("package", ["sqla_pages", "sqla_session"])
def test_importing_a_package_alone_brings_nothing(package: str) -> None:
    modules = imported(f"import {package}")

    assert {name for name in modules if name.startswith("sqla_")} == {package}
    assert not modules & {"sqlalchemy", "fastapi", "pydantic"}


def test_a_response_model_brings_no_more_than_models() -> None:
    modules = imported("from sqla_pages import Page")

    own = {name for name in modules if name.startswith("sqla_")}
    assert own == {"sqla_pages", "sqla_pages.models", "sqla_pages.responses"}


@pytest.mark.parametrize("name", sqla_pages.__all__)
def test_every_public_name_of_sqla_pages_imports_from_its_root(name: str) -> None:
    assert getattr(sqla_pages, name) is not None
    assert name in dir(sqla_pages)


@pytest.mark.parametrize("name", sqla_session.__all__)
def test_every_public_name_of_sqla_session_imports_from_its_root(name: str) -> None:
    assert getattr(sqla_session, name) is not None
    assert name in dir(sqla_session)


@pytest.mark.parametrize("package", [sqla_pages, sqla_session])
def test_a_name_that_is_not_there_is_an_attribute_error(package: object) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018


def test_without_greenlet_all_but_the_asyncio_session_can_be_imported() -> None:
    # SQLAlchemy 2.1 no longer brings greenlet along.
    names = set(sqla_session.__all__) - {"AsyncSession", "SqlaAsyncSession"}

    imported(
        f"{BLOCK_GREENLET}from sqla_pages import {', '.join(sqla_pages.__all__)}; "
        f"from sqla_session import {', '.join(sorted(names))}"
    )
