"""Which service does this type or name of a facility mean?"""

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lifecircle.sources.tables import table_words

if TYPE_CHECKING:
    from lifecircle.standard import Service


def service_of(text: str, services: Sequence["Service"]) -> str:
    """Return the id of the service whose longest word `text` holds, or ``""``.

    An id or a name counts only where it is the whole text: "park" is not in "car park".
    """
    folded = _folded(text)
    found = [
        (len(word), service.id)
        for service in services
        for words, whole in ((service.keywords, False), ((service.id, *service.name.values()), True))
        for word in map(_folded, words)
        if word and (folded == word if whole else word in folded)
    ]
    return max(found, key=lambda pair: pair[0], default=(0, ""))[1]


def is_for_animals(text: str) -> bool:
    """Return whether this type or name is that of a place for animals, whatever else it says."""
    folded = _folded(text)
    return any(_folded(word) in folded for word in table_words()["not_for_people"]["words"])


def _folded(text: str) -> str:
    """Return `text` without case and width, and without the spaces that part Chinese characters."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])", "", plain)
