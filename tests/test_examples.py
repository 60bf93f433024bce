"""Does every example in a docstring give what it says?"""

import doctest
import importlib
import pkgutil

import pytest

import lifecircle

MODULES = [
    "lifecircle",
    *(module.name for module in pkgutil.walk_packages(lifecircle.__path__, "lifecircle.")),
]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_examples_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
