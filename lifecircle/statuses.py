"""Does a facility stand already, by the word that a list has for it?"""

import functools
import tomllib
from importlib import resources

BUILT, UNDER_CONSTRUCTION, PLANNED, CLOSED = "built", "under_construction", "planned", "closed"


@functools.cache
def _words() -> list[tuple[str, str]]:
    """Return words and what they mean, the longest first."""
    text = (resources.files("lifecircle") / "catalog" / "statuses.toml").read_text(encoding="utf-8")
    words = [(word, status) for status, known in tomllib.loads(text).items() for word in known]
    return sorted(words, key=lambda pair: -len(pair[0]))


def status_of(text: object) -> str:
    """Return what a list says of a facility: one of the four statuses, or "" where it says nothing known.

    Examples
    --------
    >>> status_of("拟建（2027年）"), status_of("在建"), status_of("Under Construction"), status_of("")
    ('planned', 'under_construction', 'under_construction', '')
    """
    said = " ".join(str(text).casefold().split())
    return next((status for word, status in _words() if word in said), "")
