"""What does every standard say? Writes ``docs/standards.md`` from the catalog itself.

Run from the root of the repository after any change of a standard, a kind or a pace: ``python
docs/make_standards.py``. A test compares the page with what this would write.
"""

from collections.abc import Iterator
from pathlib import Path

from lifecircle.catalog import list_standards, load_kinds, load_standard
from lifecircle.messages import say
from lifecircle.render.standard_text import ages_label, standard_rows

PAGE = Path(__file__).with_name("standards.md")
_HEAD = """# Standards

Every number that lifecircle measures by or prints, with its grade and source, written from the catalog by
`python docs/make_standards.py`. `lifecircle show standard ID` prints one, `--standard ID` measures by it.

Grades: **V** read in its source text, **S** seen second-hand, **M** from memory, not verified. Check S and M
against the original before you quote them. A number that nobody found is missing (缺) and is not made up:
what has no walking limit is listed, and not measured.

## A standard of one's own

A service of one's own is ten lines of TOML. Save this as `my.toml` and run
`lifecircle analyze --city lishui --standard my.toml`:

```toml
id = "my"
extends = "life-circle"          # or any other, or the path of a file; leave it out to start afresh
source = "本社区 (our own)"

[[services]]
id = "charging"
name = { zh = "充电站", en = "Charging" }
metres = [500]                   # or minutes = [5, 10]
limit_grade = "M"
osm = [{ amenity = "charging_station" }]
keywords = ["充电站", "充电桩"]
color = "#AA3377"
```

- `kind = "kindergarten"` (or `kinds = [..]`, any of which gives the service) takes over name, tags, words,
  age group, pace and colour of a kind below; `lifecircle list kinds` lists them. What a service says itself
  goes before that.
- With `extends`, services, tiers and figures are overridden by their `id`, `without = ["clinic"]` leaves
  services out, and every number that stays keeps its source and grade.
- `required = false`, `tier`, `ages` and `figures = [{ id = "gfa_m2", value = [350, 750], grade = "S" }]` say
  the rest; `optional_kinds` are named beside the others and do not count by themselves.
- `direction = "to_home"` measures the walk from the provider to the home, as for 家政 and 上门养老: kinds
  `housekeeping` and `home_visits` have it.
- `spacing_m = 500` with `spacing_source` and `spacing_grade` asks for one every so many metres along streets,
  as of `charging_point` (充电桩) and `alarm_point` (报警点). Walks from homes are measured only where limits
  are given too.
- `[target]` with `share = 0.85`, `source` and `grade` says how much of a community must be covered, so
  that it meets the standard; without it, all. A city's own `city.toml` may say another.
- Every limit has a grade, and a source: its own (`limit_source`) or that of the file (`source`).
"""


def standards_page() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD]
    for name in list_standards():
        parts.extend(_section(name))
    parts.extend(_kinds())
    return "\n".join(parts)


def _section(name: str) -> Iterator[str]:
    standard = load_standard(name)
    yield f"## {name}\n"
    yield f"{standard.label('zh')} / {standard.label('en')}\n"
    if standard.notes:
        yield "".join(f"- {note['en']} ({note['zh']})\n" for note in standard.notes)
    yield "| about | what | value | grade | source |"
    yield "| --- | --- | --- | --- | --- |"
    pairs = zip(standard_rows(standard, "zh"), standard_rows(standard, "en"), strict=True)
    for zh, en in pairs:
        cells = (_both(zh.about, en.about), en.what, _both(zh.value, en.value), en.grade, en.source)
        yield "| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |"
    yield ""


def _both(zh: str, en: str) -> str:
    return zh if zh == en else f"{zh} / {en}"


def _kinds() -> Iterator[str]:
    yield "## Kinds of facility\n"
    yield "`lifecircle show kind ID` prints the words by which one is recognised.\n"
    yield "| id | name | scene | for | OpenStreetMap | AMap |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for kind in load_kinds().values():
        tags = "; ".join(" + ".join(f"{key}={value}" for key, value in rule.items()) for rule in kind.osm)
        scene = _both(*(say(f"standard.scene_{kind.scene}", lang) for lang in ("zh", "en")))
        names = _both(kind.label("zh"), kind.label("en"))
        codes = ", ".join(kind.typecodes)
        cells = (f"`{kind.id}`", names, scene, ages_label(kind.ages, "en"), tags or "words", codes or "words")
        yield f"| {' | '.join(cells)} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(standards_page(), encoding="utf-8", newline="\n")
