"""Which messages of lifecircle has a test provoked?"""

import re
import tomllib
from pathlib import Path

from lifecircle import messages

_ID = re.compile(r"""["']([a-z]+\.[a-z0-9_]+)["']""")


def listen(heard: set[str]) -> None:
    """Note from now on in `heard` which messages are said in this process."""
    texts_of = messages._texts

    def heard_texts_of(key: str) -> dict[str, str]:
        heard.add(key)
        return texts_of(key)

    messages._texts = heard_texts_of


def never_provoked(heard: set[str], tests: Path) -> list[str]:
    """Return the messages that were not said, and that no file of tests names as what it expects.

    A test names a message where the process that says it is another one, or where it looks at the key of an
    error or the item of a table. The test of the messages themselves names some without provoking them.
    """
    files = [file for file in tests.rglob("*.py") if file.name != "test_messages.py"]
    named = {key for file in files for key in _ID.findall(file.read_text(encoding="utf-8"))}
    areas = Path(messages.__file__).parent.glob("catalog/messages/*.toml")
    known = {f"{area.stem}.{key}" for area in areas for key in tomllib.loads(area.read_text("utf-8"))}
    return sorted(known - heard - named)
