"""How much Hypothesis tries: `SQLA_PAGES_HYPOTHESIS_PROFILE` is `ci`, or by hand `long`."""

import os

from hypothesis import HealthCheck, settings

# The examples of a test that says nothing else; a test that says more scales with it.
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "ci", derandomize=True, database=None, deadline=None, suppress_health_check=_SLOW
)
settings.register_profile(
    "long", max_examples=5_000, deadline=None, print_blob=True, suppress_health_check=_SLOW
)
settings.load_profile(os.environ.get("SQLA_PAGES_HYPOTHESIS_PROFILE", "ci"))
