"""How long does the fuzzing go on: seconds in the suite, or as long as asked for by hand?

By hand: ``pytest tests/fuzz --long``, about an hour; the cases that failed are kept in ``.hypothesis``.
"""

import pytest
from hypothesis import HealthCheck, settings


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="fuzz for about an hour rather than some seconds")


def pytest_configure(config: pytest.Config) -> None:
    long = config.getoption("--long", default=False)
    slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    # What is the default by now: CI draws the same cases every time.
    settings.register_profile(
        "fuzz",
        parent=settings.get_profile(settings.get_current_profile_name()),
        max_examples=20_000 if long else 25,
        suppress_health_check=slow,
    )


@pytest.fixture
def mutants(request: pytest.FixtureRequest) -> int:
    """Return how many damaged files to try."""
    return 50_000 if request.config.getoption("--long", default=False) else 160
