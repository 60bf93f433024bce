"""Which cities are small enough to be measured by the dozen?"""

from collections.abc import Sequence
from pathlib import Path

from test_read_city import EAST, WEST, write_layer, write_osm

from lifecircle.batch.plan import Plan, tasks_of
from lifecircle.batch.task import Choices, Task

# The city of test_read_city: 300 residents in the west, 100 in the east, a kindergarten at the western end, a
# clinic at the eastern. From each house to the far facility are some 740 m: 13.8 minutes for a child with a
# carer, 10.4 for an adult. So within 10 minutes 300 of 400 reach the kindergarten and 100 the clinic, within
# 15 all do; there is no elderly care at all.
SHARES = {
    ("kindergarten", 10.0): 0.75, ("kindergarten", 15.0): 1.0, ("elderly_care", 10.0): 0.0,
    ("elderly_care", 15.0): 0.0, ("clinic", 10.0): 0.25, ("clinic", 15.0): 1.0,
}  # fmt: skip
TOML = """lang = "en"
osm = "streets.osm"
communities = "communities.gpkg"
[name]
zh = "{name}"
en = "{name}"
"""


def write_city(folder: Path, *, west: float = 300.0) -> Path:
    """Write a city folder; `west` residents live in its west."""
    folder.mkdir(parents=True)
    write_osm(folder / "streets.osm")
    write_layer(folder / "communities.gpkg", [(WEST[0], {**WEST[1], "人口": west}), EAST])
    (folder / "city.toml").write_text(TOML.format(name=folder.name.title()), encoding="utf-8")
    return folder


def tasks(
    cities: Sequence[Path | str], out: Path | str, *, plan: Plan | None = None, **changes: object
) -> list[Task]:
    """Return tasks for cities by their folders; nothing is kept of them between tests."""
    plan = plan or Plan(tuple(str(city) for city in cities))
    common = Task(city="", source="", out=str(out), choices=Choices(lang="en"), keep=False, **changes)  # type: ignore[arg-type]
    return tasks_of(plan, common)
