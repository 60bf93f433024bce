"""How does a planner read the check of a city's data: on the terminal, on a page, in a table?"""

import datetime as dt
import json
from collections.abc import Hashable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from lifecircle import __version__
from lifecircle.city import City
from lifecircle.data_check import SHOWN, TOPICS
from lifecircle.messages import clean, say
from lifecircle.render.folder import digests, whole_folder
from lifecircle.render.tables import markdown_text, write_csv

FILES = ("check.md", "check.csv")
"""The files a check consists of, beside the record of them."""


def check_lines(city: City, findings: pd.DataFrame, lang: str) -> list[str]:
    """Return what a terminal shows: a heading for each topic and a line for each figure.

    Parameters
    ----------
    city
        The city that was checked.
    findings
        As `lifecircle.data_check.check_city` gives them.
    lang
        ``"en"`` or ``"zh"``.
    """
    lines = [_title(city, lang), *([say("report.sample", lang)] if city.is_synthetic else [])]
    for topic, rows in _topics(findings):
        lines.append(f"[{say(f'check.topic_{topic}', lang)}]")
        for row in rows:
            shown = "; ".join(map(clean, row["examples"]))
            lines.append(f"  {_figure(row, lang)}" + (f" | {shown}" if shown else ""))
    return lines


def check_page(city: City, findings: pd.DataFrame, lang: str) -> str:
    """Return the check as Markdown: a list for each topic; parameters as for `check_lines`."""
    parts = [f"# {markdown_text(_title(city, lang))}"]
    if city.is_synthetic:
        parts.append(f"> **{markdown_text(say('report.sample', lang))}**")
    parts.append(markdown_text(say("check.about", lang)))
    for topic, rows in _topics(findings):
        parts.append(f"## {markdown_text(say(f'check.topic_{topic}', lang))}")
        lines = []
        for row in rows:
            lines.append(f"- {markdown_text(_figure(row, lang))}")
            lines += [f"  - {markdown_text(example)}" for example in row["examples"]]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def save_check(
    city: City,
    findings: pd.DataFrame,
    folder: str | PathLike[str],
    *,
    lang: str,
    overwrite: bool = False,
) -> list[Path]:
    """Write the page and the table: both, or nothing.

    Parameters
    ----------
    city, findings, lang
        As for `check_lines`.
    folder
        Where to; absent or empty.
    overwrite
        Replace an earlier check in that folder, unless anything else is in it or was changed since.

    Returns
    -------
    list of Path
        The files, absolute.

    Raises
    ------
    FileError
        If the folder holds something already, or cannot be written.
    """
    with whole_folder(folder, overwrite=overwrite) as fresh:
        (fresh / FILES[0]).write_text(check_page(city, findings, lang), encoding="utf-8", newline="\n")
        write_csv(_table(city, findings, lang), fresh / FILES[1])
        record = {
            "data": city.data,
            "city": dict(city.name),
            "lifecircle": __version__,
            "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "inputs": [dict(file) for file in city.inputs],
            "files": digests(fresh),
        }
        text = json.dumps(record, ensure_ascii=False, indent=2)
        (fresh / "export.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    return [Path(folder).resolve() / name for name in FILES]


def _title(city: City, lang: str) -> str:
    return say("check.title", lang, city=city.label(lang))


def _topics(findings: pd.DataFrame) -> Iterator[tuple[str, list[dict[Hashable, Any]]]]:
    """Yield each topic of which something was found, with its rows."""
    for topic in TOPICS:
        rows = findings[findings["topic"] == topic].to_dict("records")
        if rows:
            yield topic, rows


def _figure(row: dict[Hashable, Any], lang: str) -> str:
    value = f"{row['value']:,.10g} {row['unit']}".strip()
    key = "check.figure_of" if row["detail"] else "check.figure"
    return say(key, lang, what=say(row["item"], lang), value=value, detail=row["detail"])


def _table(city: City, findings: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Return the findings with what each means in words, and a column for each example."""
    labels = findings["item"].map(lambda item: say(item, lang))
    table = findings[["topic", "item", "value", "unit", "detail"]].assign(label=labels)
    for at in range(SHOWN):
        table[f"example_{at + 1:02d}"] = [
            shown[at] if at < len(shown) else "" for shown in findings["examples"]
        ]
    return table.assign(data=city.data)
