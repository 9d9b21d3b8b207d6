"""How much Hypothesis tries.

By default little, and the same each time; in the full profile of the tests, as in CI, more of that;
by hand, with `SQLA_PAGES_HYPOTHESIS_PROFILE=long`, much, and something else each time.
"""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.databases import IS_FULL

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
_FIXED = settings(derandomize=True, database=None, deadline=None, suppress_health_check=_SLOW)

settings.register_profile("quick", _FIXED, max_examples=30)
settings.register_profile("ci", _FIXED, max_examples=100)
settings.register_profile(
    "long", max_examples=5_000, deadline=None, print_blob=True, suppress_health_check=_SLOW
)
settings.load_profile(os.environ.get("SQLA_PAGES_HYPOTHESIS_PROFILE", "ci" if IS_FULL else "quick"))


@pytest.fixture(scope="session")
def record_figures(
    record_testsuite_property: Callable[[str, object], None],
) -> Callable[[str, Any], None]:
    """Record figures under a name, for `figures.py` to read from pytest's report."""
    return lambda name, figures: record_testsuite_property(name, json.dumps(figures))
