"""How many random cases does a property have to stand: all before a change lands, some of them at a desk?"""

import os

from hypothesis import settings

ALL = bool(os.environ.get("CI"))
"""The same cases every time, and all of them; else a quarter, other ones each time."""


def cases(most: int) -> settings:
    """Return settings for a property that costs so much that `most` cases are enough."""
    return settings(max_examples=most if ALL else max(most // 4, min(most, 10)))
