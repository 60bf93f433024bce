"""Which messages of lifecircle has a test provoked?"""

import re
from collections.abc import Mapping
from pathlib import Path

from lifecircle import messages

_ID = re.compile(r"""["']([a-z]+\.[a-z0-9_]+)["']""")


class _Heard(dict[str, dict[str, str]]):
    """The table of messages, which notes in `heard` what is looked up in it."""

    def __init__(self, table: Mapping[str, dict[str, str]], heard: set[str]) -> None:
        super().__init__(table)
        self._heard = heard

    def __getitem__(self, key: str) -> dict[str, str]:
        self._heard.add(key)
        return super().__getitem__(key)


def listen(heard: set[str]) -> None:
    """Note from now on in `heard` which messages are said in this process."""
    table = _Heard(messages._table(), heard)
    messages._table = lambda: table


def never_provoked(heard: set[str], tests: Path) -> list[str]:
    """Return the messages that were not said, and that no file of tests names as what it expects.

    A test names a message where the process that says it is another one, or where it looks at the key of an
    error or the item of a table. The test of the messages themselves names some without provoking them.
    """
    files = [file for file in tests.rglob("*.py") if file.name != "test_messages.py"]
    named = {key for file in files for key in _ID.findall(file.read_text(encoding="utf-8"))}
    return sorted(key for key in messages._table() if key not in heard and key not in named)
