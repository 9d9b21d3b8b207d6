"""Pytest fixtures of the verification kit, on the fixtures `session` and `async_session`."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest


@pytest.fixture
def assert_pages_match(session: Any) -> Callable[..., None]:
    """Return `sqla_pages.testing.assert_pages_match`, on the fixture `session`.

    Example:
        def test_users_are_paged_exactly(session, assert_pages_match):
            session.add_all([User(name="Ada"), User(name="Ada"), User(name=None)])

            assert_pages_match(select(User).order_by(User.name))
    """
    from . import assert_pages_match

    def check(statement: Any, **options: Any) -> None:
        session.flush()
        assert_pages_match(session, statement, **options)

    return check


@pytest.fixture
def async_assert_pages_match(async_session: Any) -> Callable[..., Awaitable[None]]:
    """Return `sqla_pages.testing.async_assert_pages_match`, on the fixture `async_session`.

    Example:
        @pytest.mark.asyncio
        async def test_users_are_paged_exactly(async_session, async_assert_pages_match):
            async_session.add_all([User(name="Ada"), User(name="Ada"), User(name=None)])

            await async_assert_pages_match(select(User).order_by(User.name))
    """
    from . import async_assert_pages_match

    async def check(statement: Any, **options: Any) -> None:
        await async_session.flush()
        await async_assert_pages_match(async_session, statement, **options)

    return check
