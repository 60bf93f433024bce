"""Is a list on another datum found out, and an honest one left in peace?"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lifecircle.city import City
from lifecircle.sources import datum_check
from lifecircle.sources.datum import from_wgs84, to_wgs84
from lifecircle.sources.datum_check import LEAST_PLACES, likelier_datum, note_datum
from lifecircle.sources.notes import Note
from lifecircle.sources.read_city import load_city, read_city

SAMPLE = Path(__file__).parents[1] / "data" / "lishui"


def places(city: City) -> np.ndarray:
    return np.column_stack([city.facilities.geometry.x, city.facilities.geometry.y])


@pytest.fixture(scope="module")
def lishui() -> City:
    return load_city(SAMPLE)


@pytest.fixture(scope="module")
def las_palmas(shared_data: Callable[[str], Path]) -> City:
    return read_city(
        osm=shared_data("las_palmas/las_palmas.osm.pbf"),
        communities=shared_data("las_palmas/catchments.geojson"),
    )


def listed_on(city: City, datum: str) -> np.ndarray:
    """Return where the facilities seem to lie when their list is on a datum and nobody says so."""
    degrees = city.facilities.to_crs(4326).geometry
    moved = from_wgs84(np.column_stack([degrees.x, degrees.y]), datum)
    seem = degrees.set_axis(range(len(degrees)))
    shifted = type(seem).from_xy(*moved.T, crs=4326).to_crs(city.crs)
    return np.column_stack([shifted.x, shifted.y])


def test_an_honest_list_is_left_in_peace(lishui: City, las_palmas: City) -> None:
    assert likelier_datum(places(lishui), lishui.network, "wgs84") is None
    assert likelier_datum(places(las_palmas), las_palmas.network, "wgs84") is None
    assert "tables.datum_suspect" not in set(lishui.quality["item"])


@pytest.mark.parametrize(("datum", "moved_m"), [("gcj02", 573), ("bd09", 1114)])
def test_a_shifted_list_is_found_out(lishui: City, datum: str, moved_m: float) -> None:
    found = likelier_datum(listed_on(lishui, datum), lishui.network, "wgs84")
    assert found is not None
    assert found.datum == datum
    assert found.median_m > 30
    assert found.other_median_m == pytest.approx(7.5, abs=0.3)
    assert found.moved_m == pytest.approx(moved_m, abs=15)


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_a_datum_that_was_claimed_wrongly_is_found_out_too(lishui: City, datum: str) -> None:
    crs, degrees = lishui.crs, lishui.facilities.to_crs(4326).geometry
    claimed = to_wgs84(np.column_stack([degrees.x, degrees.y]), datum)
    shifted = type(degrees).from_xy(*claimed.T, crs=4326).to_crs(crs)
    found = likelier_datum(np.column_stack([shifted.x, shifted.y]), lishui.network, datum)
    assert found is not None
    assert found.datum == "wgs84"
    assert likelier_datum(listed_on(lishui, datum), lishui.network, "wgs84") is not None


def test_few_places_say_nothing(lishui: City) -> None:
    few = listed_on(lishui, "gcj02")[: LEAST_PLACES - 1]
    assert likelier_datum(few, lishui.network, "wgs84") is None


def test_outside_china_no_datum_is_suggested(las_palmas: City) -> None:
    off = places(las_palmas) + np.array([431, -378])
    assert likelier_datum(off, las_palmas.network, "wgs84") is None


def test_honest_lists_of_any_size_roughness_and_direction_are_left_in_peace(
    lishui: City, las_palmas: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if some datum moved things by 300 to 1000 m in any direction: also where GCJ-02 has no say."""
    rng = np.random.default_rng(8)
    tried = 0
    for city in (lishui, las_palmas):
        everywhere = places(city)
        for _ in range(40):
            turn, metres = rng.uniform(0, 2 * np.pi), rng.uniform(300, 1000)
            step = metres * np.array([np.cos(turn), np.sin(turn)])
            monkeypatch.setattr(datum_check, "_read_on", lambda xy, *_, step=step: xy + step)
            size = int(rng.integers(LEAST_PLACES, len(everywhere)))
            some = everywhere[rng.choice(len(everywhere), size, replace=False)]
            some = some + rng.normal(0, rng.choice([0, 15, 40]), some.shape)
            assert likelier_datum(some, city.network, "wgs84") is None
            tried += 1
    assert tried == 80


def test_the_note_says_what_to_write_and_moves_nothing(lishui: City) -> None:
    notes: list[Note] = []
    xy = listed_on(lishui, "gcj02")
    before = xy.copy()
    note_datum(xy, lishui.network, "wgs84", Path("list.csv"), notes)
    assert (xy == before).all()
    ((item, count, detail),) = notes
    assert (item, count) == ("tables.datum_suspect", 74)
    assert detail.startswith('list.csv: datum = "gcj02" (')
    note_datum(places(lishui), lishui.network, "wgs84", Path("list.csv"), notes)
    assert len(notes) == 1
