"""The pytest plugin: a fixture, and an option for where polter cannot be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from . import _assertion
from ._assertion import CannotTell, GhostsFound


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("polter").addoption(
        "--polter-optional",
        action="store_true",
        help="skip a test, instead of failing it, where polter is missing or cannot tell",
    )


@pytest.fixture
def assert_no_ghosts(pytestconfig: pytest.Config) -> Callable[..., None]:
    """The function, which heeds --polter-optional."""

    def assert_no_ghosts(pid: int | None = None) -> None:
        try:
            _assertion.assert_no_ghosts(pid)
        except CannotTell as error:
            if pytestconfig.getoption("--polter-optional"):
                pytest.skip(str(error))
            pytest.fail(str(error), pytrace=False)
        except GhostsFound as error:
            pytest.fail(str(error), pytrace=False)

    return assert_no_ghosts


@pytest.fixture
def no_ghosts(assert_no_ghosts: Callable[..., None]) -> Iterator[None]:
    """When the test has ended, its process must have no ghost."""
    yield
    assert_no_ghosts()
