"""Which kind of facility do this code, type and name mean, and which services of a standard want it?"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.catalog import load_kinds
from lifecircle.sources.cell_values import to_text
from lifecircle.sources.columns import find_column, numbered_columns, table_words
from lifecircle.sources.notes import Note, note_counts, note_rows

if TYPE_CHECKING:
    from lifecircle.kinds import Kind
    from lifecircle.requirement import Requirement

_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】")
_AMAP_LEVELS = 3
_BETWEEN_TYPES = re.compile(r"[;；、，,+/／](?![^()（）]*[)）])")
"""What parts several types in a cell; not in brackets."""
_NAMES = 10
"""How many names of unknown places are shown, shared out over their types."""


class Recognised(NamedTuple):
    """What a facility was taken for."""

    kind: str = ""
    """Id of its kind; ``""`` where none was recognised."""
    services: tuple[str, ...] = ()
    """Ids of the services that want such a facility, in the order of the standard."""
    for_animals: bool = False


class FacilityWords:
    """The codes and words by which facilities are recognised, made ready once for many rows.

    Kinds that no service wants are recognised, too: a place that nobody asked for is another thing than one
    that nobody knows.

    Parameters
    ----------
    services
        Those of a standard. Their own kinds stand in for kinds of the catalog that have the same ids.
    """

    def __init__(self, services: Sequence["Requirement"]) -> None:
        catalog = load_kinds()
        asked = [kind for service in services for kind in service.kinds]
        own = {kind.id: kind for kind in asked if kind != catalog.get(kind.id)}
        self.kinds: dict[str, Kind] = {**own, **{key: own.get(key, kind) for key, kind in catalog.items()}}
        self._services = tuple(services)
        self._codes = {code: kind.id for kind in self.kinds.values() for code in kind.typecodes}
        self._keywords = [
            (tuple(_folded(word).split("*")), len(_folded(word).replace("*", "")), kind.id)
            for kind in self.kinds.values()
            for word in kind.keywords
        ]
        self._wholes = {
            _folded(word): kind.id
            for kind in reversed(self.kinds.values())
            for word in (kind.id, *kind.name.values())
        }
        self.recognise = functools.cache(self._recognise)

    def _recognise(self, typecode: str, said: str, name: str) -> Recognised:
        """Say what a facility is, of its AMap typecode, its type and its name; any may be ``""``.

        The code decides, else the type, else the name. Where code or type leave a closer kind open
        (`Kind.name_may_say`), the name may tell it. Beside a type that says something else, such as a
        parking place, the name counts only by what it ends with.
        """
        codes = [code.strip() for code in typecode.split("|") if code.strip()]
        if _for_animals(codes, f"{said} {name}"):
            return Recognised(for_animals=True)
        if set(codes) & set(table_words()["homes"]["typecodes"]):
            return Recognised()
        of_code = next((self._codes[code] for code in codes if code in self._codes), "")
        kinds, asked = [], set()
        for part in [said] if of_code else self.types_in(said):
            named = {service.id for service in self._services if _names(service, part)}
            kind = of_code or self.kind_in(part)
            closer = self.closer(kind, name) if kind else ""
            kinds += [closer] if kind else []
            asked |= named if closer == kind else set()
        if not kinds and not asked:
            kinds = [self.kind_in(name, at_end=bool(codes or said.strip()))]
        wanted = (
            service.id
            for service in self._services
            if service.id in asked or not {one.id for one in service.kinds}.isdisjoint(kinds)
        )
        return Recognised(kinds[0] if kinds else "", tuple(wanted))

    def types_in(self, said: str) -> list[str]:
        """Return the types that a text lists: 幼儿园;托育 are two, and a site that says both offers both.

        AMap writes three levels (大类;中类;小类), of which the last is the closest; it parts several such by
        "|".
        """
        types = []
        for part in said.split("|"):
            parts = (
                [part] if self.is_whole(part) else [one for one in _BETWEEN_TYPES.split(part) if one.strip()]
            )
            known = [one for one in parts if self.is_whole(one) or self.kind_in(one)]
            if part.replace("；", ";").count(";") == _AMAP_LEVELS - 1 and len(known) < _AMAP_LEVELS:
                known = parts[-1:]
            types += known or [part]
        return types

    def is_whole(self, text: str) -> bool:
        """Say whether a text, such as the heading of a column, is what a kind or a service is called."""
        return _folded(text) in self._wholes or any(_names(service, text) for service in self._services)

    def closer(self, kind_id: str, name: str) -> str:
        """Return the closer kind that a name tells, where the kind leaves one open; else the kind."""
        open_to = self.kinds[kind_id].name_may_say
        told = self.kind_in(name) if open_to and name else ""
        return told if told in open_to else kind_id

    def label(self, kind_id: str) -> str:
        """Return the name of a kind in both languages, for a note that either may read."""
        return " ".join(self.kinds[kind_id].name.values())

    def kind_in(self, text: str, *, at_end: bool = False) -> str:
        """Return the id of the kind that a text means, or ``""``.

        The word with which it ends wins, because what a Chinese name ends with is what the place is:
        社区卫生服务中心灯塔社区卫生服务站 is a station. Else the longest word does, unless `at_end`; of
        equals the last. What stands in brackets counts only where nothing else is known. Ids and
        labels of kinds count only as the whole text: "park" is not in "car park".
        """
        folded = _folded(text)
        outside = _BRACKETS.sub("", folded).strip()
        for part in dict.fromkeys((outside, folded)):
            if part in self._wholes:
                return self._wholes[part]
            found = [
                (end == len(part), length, end, kind)
                for pieces, length, kind in self._keywords
                if pieces[-1] in part and (end := _last_end(pieces, part)) >= 0
            ]
            ends, *_, kind = max(found, key=lambda one: one[:3], default=(False, 0, 0, ""))
            if kind and (ends or not at_end):
                return kind
        return ""


def said_types(table: pd.DataFrame, words: FacilityWords) -> "pd.Series[str] | None":
    """Return what the columns of a list say of the types of its rows, parted by "|"; None where none does.

    These are the column of types, those of that name with a number (服务1, 服务2), and those that are called
    as a kind or a service is and say in each row whether it is offered (是, √).
    """
    first = find_column(table.columns, "type")
    columns = list(dict.fromkeys([*filter(None, [first]), *numbered_columns(table.columns, "type")]))
    said = [to_text(table[column]) for column in columns]
    offered = table_words()["offered"]["words"]
    for column in (one for one in table.columns if one not in columns and words.is_whole(one)):
        ticked = to_text(table[column]).str.casefold().isin(offered)
        said += [ticked.map({True: column, False: ""})] if ticked.any() else []
    if not said:
        return None
    lines = zip(*said, strict=True)
    return pd.Series(["|".join(filter(None, line)) for line in lines], index=table.index, dtype=object)


def one_row_per_service(facilities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return facilities whose column service holds tuples of ids with a row for each id of it."""
    several = facilities["service"].map(len).to_numpy() > 1
    rows = facilities.explode("service")
    more = np.repeat(several, facilities["service"].map(len))
    ids = rows["facility_id"].where(~more, rows["facility_id"] + "-" + rows["service"])
    return rows.assign(facility_id=ids).reset_index(drop=True)


def note_left_out(
    notes: list[Note],
    path: Path,
    found: "pd.Series[Any]",
    said: "pd.Series[str]",
    names: "pd.Series[str]",
    words: FacilityWords,
) -> None:
    """Note the rows that give no service: for animals, of a kind that nobody asked for, or not known."""
    animals = found.map(lambda one: one.for_animals).astype(bool)
    kinds = found.map(lambda one: one.kind)
    note_rows(notes, "rows_for_animals", path, animals)
    others = kinds[(kinds != "") & ~animals].map(words.label)
    note_counts(notes, "rows_other_kind", path, others)
    unknown = (kinds == "") & ~animals
    said, names = said[unknown], names[unknown]
    each = max(1, _NAMES // max(1, said.nunique()))
    examples = {
        kind: ", ".join(list(dict.fromkeys(filter(None, named)))[:each])
        for kind, named in names.groupby(said)
    }
    some = said.map(lambda kind: f"{kind} ({examples[kind]})" if examples[kind] else kind)
    shown = some.where(said != "", names)
    note_counts(notes, "rows_unrecognised", path, shown)


def _names(service: "Requirement", said: str) -> bool:
    """Say whether a type is the id or a name of a service."""
    return bool(said.strip()) and _folded(said) in map(_folded, (service.id, *service.name.values()))


def _for_animals(codes: Iterable[str], text: str) -> bool:
    """Say whether this is a place for animals, whatever else it says."""
    rules = table_words()["not_for_people"]
    folded = _folded(text)
    return bool(set(codes) & set(rules["typecodes"])) or any(
        _folded(word) in folded for word in rules["words"]
    )


def _last_end(pieces: tuple[str, ...], text: str) -> int:
    """Return where these pieces, with any text between them, end in a text, at the last; -1 if nowhere."""
    at = 0
    for piece in pieces[:-1]:
        if (found := text.find(piece, at)) < 0:
            return -1
        at = found + len(piece)
    last = text.rfind(pieces[-1], at)
    return last if last < 0 else last + len(pieces[-1])


@functools.lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    """Return `text` in Simplified Chinese, without case and width and spaces that part Chinese characters."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_simplified())
    return re.sub(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])", "", plain).strip()


@functools.cache
def _simplified() -> dict[int, str]:
    return {ord(pair[0]): pair[1] for pair in table_words()["scripts"]["simplified"]}
