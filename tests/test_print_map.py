"""Would a planner hang the sheet on the wall: is everything on it, legible, true and the same every time?"""

import dataclasses
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import matplotlib as mpl
import numpy as np
import pytest
import shapely
from hypothesis import given
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.transforms import Bbox, IdentityTransform
from PIL import Image
from pypdf import PdfReader
from toy_town import HOMES, STANDARD, boxes, layer, toy_facilities, toy_homes, toy_town

from lifecircle.catalog import load_standard
from lifecircle.city import City
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.gaps import find_gaps
from lifecircle.messages import say
from lifecircle.render.finding import headline, percent
from lifecircle.render.print_ground import curve_of
from lifecircle.render.print_labels import Label, fitting, in_two
from lifecircle.render.print_map import draw_sheet, save_sheets
from lifecircle.render.print_shades import shades_of
from lifecircle.render.print_sheet import BODY, Box
from lifecircle.render.print_subject import subject_of
from lifecircle.render.print_type import printable, shortened, typeface, width_mm, wrapped
from lifecircle.standard import Standard

BACKDROP = layer(
    boxes([(-300, -250, 2000, -170), (200, 50, 400, 150), (500, 10, 530, 30)]),
    kind=["water", "green", "building"],
)
HOSTILE = r"$\frac{1}{0}$ {x}" + "\n\x1b[31m\u202e🧸"


def measured(standard: Standard = STANDARD, **other: Any) -> tuple[Coverage, Any]:
    city = toy_town(**{"backdrop": BACKDROP, "osm_timestamp": "2025-01-01T00:00:00Z"} | other)
    coverage = measure_coverage(city, standard)
    return coverage, find_gaps(coverage)


@pytest.fixture(scope="module")
def town() -> tuple[Coverage, Any]:
    return measured()


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def pdf_text(path: Path) -> str:
    """Return what one can select on the one page of a PDF, without the line breaks of the sheet."""
    (page,) = PdfReader(path).pages
    return re.sub(r"\s+", "", page.extract_text())


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def rgb(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


# ---------------------------------------------------------------------- what a sheet says


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_text_of_a_pdf_holds_all_that_a_sheet_must_say(
    town: tuple[Coverage, Any], tmp_path: Path, lang: str
) -> None:
    coverage, gaps = town
    paths = save_sheets(coverage, gaps, tmp_path, formats=["pdf"], lang=lang)
    assert [path.name for path in paths] == [
        "map-all.pdf", "map-kindergarten.pdf", "map-elderly_care.pdf", "map-clinic.pdf",
    ]  # fmt: skip
    totals = coverage.totals()
    for path in paths:
        said = pdf_text(path)
        for needed in (
            coverage.city.label(lang), say("print.legend", lang), say("print.north", lang), "1:",
            "© OpenStreetMap contributors, ODbL", "2025-01-01", "内部研究用图，未经审图", "EPSG:32650",
            STANDARD.label(lang), say("print.pace", lang, service="clinic", pace=1.2, grade="M")[-6:],
        ):  # fmt: skip
            assert squeezed(needed) in said, (path.name, needed)
        for line in totals.to_dict("records"):
            minutes = f"{line['threshold_minutes']:g}" + {"en": "min", "zh": "分钟"}[lang]
            if path.stem in {"map-all", f"map-{line['service']}"}:
                row = [line["service"] if path.stem == "map-all" else "", minutes]
                row += [percent(line[f"share_{word}"]) for word in ("covered", "gap", "unknown")]
                row.append(f"{line['residents_gap']:,.0f}")
                assert "".join(row) in said, (path.name, row)
    assert squeezed(headline(coverage, gaps, lang)[0]) in pdf_text(paths[0])


def test_a_sheet_of_an_invented_city_owes_openstreetmap_nothing(town: tuple[Coverage, Any]) -> None:
    invented = measure_coverage(toy_town(data="synthetic sample"), STANDARD)
    for coverage, credited in ((invented, False), (town[0], True)):
        said = " ".join(texts(draw_sheet(coverage, find_gaps(coverage))))
        assert ("OpenStreetMap contributors" in said) is credited


@pytest.mark.parametrize("sheet", ["A3", "A4"])
def test_every_total_of_a_usual_city_has_its_row(town: tuple[Coverage, Any], sheet: str) -> None:
    said = " ".join(texts(draw_sheet(*town, sheet=sheet)))
    assert say("print.figures_cut", "en", shown=0, all=0).split("0")[-1] not in said


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_names_of_many_services_are_whole_on_the_smallest_paper(lang: str) -> None:
    standard = load_standard("gb50180-2018")
    names = [service.label(lang) for service in standard.services]
    assert len(names) == 14
    coverage = measure_coverage(toy_town(), standard)
    gaps = find_gaps(coverage)
    said = texts(draw_sheet(coverage, gaps, sheet="A4", lang=lang))
    counts = coverage.city.facilities["service"].value_counts()
    for service, name in zip(standard.services, names, strict=True):
        counted = say("print.facilities", lang, service=name, count=int(counts.get(service.id, 0)))
        assert counted in said
        of_one = texts(draw_sheet(coverage, gaps, service=service.id, sheet="A4", lang=lang))
        assert not [text for text in of_one if text.endswith("…")]


def test_a_service_without_a_facility_is_an_alarm_on_its_sheet_only(town: tuple[Coverage, Any]) -> None:
    alarm = say("report.no_facility_at_all", "en", services="elderly_care")[:40]
    shown = {one: " ".join(texts(draw_sheet(*town, service=one))) for one in ("elderly_care", "clinic")}
    assert alarm in shown["elderly_care"]
    assert alarm not in shown["clinic"]


def test_the_sheet_of_a_community_tells_of_that_community(town: tuple[Coverage, Any]) -> None:
    coverage, gaps = town
    rows = coverage.by_community()
    row = rows[(rows["community_id"] == "c-estate") & (rows["service"] == "clinic")].iloc[-1]
    said = texts(draw_sheet(coverage, gaps, community="c-estate", service="clinic"))
    assert "Toy Town, The Estate: clinic within 10, 15 min on foot" in said
    assert {percent(row["share_covered"]), percent(row["share_gap"]), f"{row['residents_gap']:,.0f}"} <= {
        *said
    }
    by_name = draw_sheet(coverage, gaps, community="The Estate", service="clinic")
    assert texts(by_name) == said
    others = gaps.loc[gaps["community_id"] != "c-estate", "gap_id"]
    assert not {*others} & {*said}


def test_only_a_sample_bears_the_watermark(town: tuple[Coverage, Any]) -> None:
    sample = measured(data="synthetic sample")
    for lang in ("en", "zh"):
        mark = say("print.watermark", lang)
        assert texts(draw_sheet(*sample, lang=lang)).count(mark) == 2
        assert mark not in texts(draw_sheet(*town, lang=lang))


def test_sources_name_files_but_no_folders() -> None:
    inputs = (
        {"role": "communities", "path": r"C:\mine\边界.gpkg"},
        {"role": "osm", "path": "/home/me/a.osm"},
    )
    city = measured(inputs=inputs, service_sources={"clinic": "osm", "kindergarten": "名单.xlsx"})
    said = " ".join(texts(draw_sheet(*city)))
    assert "communities (边界.gpkg)" in said
    assert "clinic (OpenStreetMap)" in said
    assert "kindergarten (名单.xlsx)" in said
    assert "C:" not in said
    assert "/home" not in said


def test_names_are_shown_as_they_are_written_and_missing_signs_as_boxes(tmp_path: Path) -> None:
    facilities = toy_facilities(
        [("K", HOSTILE, "kindergarten", (100, 0)), ("C", HOSTILE, "clinic", (1100, 20))]
    )
    city = toy_town()
    communities = city.communities.assign(community=HOSTILE)
    town = measured(communities=communities, facilities=facilities, name={"en": HOSTILE, "zh": HOSTILE})
    paths = save_sheets(*town, tmp_path, formats=["pdf", "png", "svg"], communities=["c-north"])
    assert len(paths) == 15
    for path in paths[0::3]:
        said = pdf_text(path)
        assert r"$\frac{1}{0}${x}" in said
        assert "□" in said
        assert "\x1b" not in said


# ---------------------------------------------------------------------- type


def test_every_character_of_gb2312_can_be_printed() -> None:
    codes = [bytes([high, low]) for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF)]
    characters = "".join(code.decode("gb2312", errors="ignore") for code in codes)
    assert len(characters) == 6763
    assert printable(characters) == characters
    figure = Figure(figsize=(20, 20))
    for row in range(0, len(characters), 100):
        figure.text(0, row / 7000, characters[row : row + 100], font=typeface(10))
    FigureCanvasAgg(figure).draw()  # a missing glyph would warn, and a warning is an error here


@pytest.mark.parametrize(
    "text", ["步行（含 15 分钟）。来源：浙江省、丽水市", "within ten minutes (inclusive) on foot"]
)
def test_lines_break_at_words_and_never_before_a_closing_mark(text: str) -> None:
    lines = wrapped(text, 8.0, 20.0)
    assert len(lines) > 1
    assert squeezed("".join(lines)) == squeezed(text)
    assert all(width_mm(line, 8.0) <= 20.0 for line in lines)
    assert not any(line[0] in "，。；：、）" or line[-1] == "（" for line in lines)


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    cut = shortened("示例社区26·江南三区", 8.0, 15.0)
    assert cut.endswith("…")
    assert width_mm(cut, 8.0) <= 15.0
    assert shortened("短", 8.0, 15.0) == "短"


# ---------------------------------------------------------------------- what a sheet shows


def test_each_home_is_drawn_as_what_was_measured(town: tuple[Coverage, Any]) -> None:
    coverage, gaps = town
    shades = shades_of(subject_of(coverage, gaps, "clinic", None, "en"))
    status = coverage.status(15)["clinic"]
    gap = next(shade.shape for shade in shades if shade.text.startswith("Gap"))
    unknown = [shade.shape for shade in shades if "not known" in shade.text]
    for home, point in coverage.city.homes.geometry.items():
        assert shapely.intersects(gap, point) == (status[home] == "gap"), home
        assert any(shapely.intersects(shape, point) for shape in unknown) == (status[home] == "unknown"), home
    of_gaps = gaps[(gaps["service"] == "clinic") & (gaps["threshold_minutes"] == 15)].geometry
    assert shapely.symmetric_difference(gap, of_gaps.union_all()).area == pytest.approx(0)


def test_the_sheet_for_all_services_counts_what_homes_miss(town: tuple[Coverage, Any]) -> None:
    coverage, gaps = town
    shades = shades_of(subject_of(coverage, gaps, None, None, "en"))
    status, weight = coverage.status(15), coverage.city.weight
    missed = (status == "gap").sum(axis=1)
    for count, shade in enumerate(shades[:4]):
        kind = (missed == count) & ((count > 0) | (status == "covered").all(axis=1))
        assert shade.share == pytest.approx(weight[kind].sum() / weight.sum())
    assert sum(shade.share or 0 for shade in shades) == pytest.approx(1)


@pytest.mark.parametrize(
    ("lang", "plain", "aged"),
    [
        ("en", "Legend (shares of residents)", "Legend (shares of all residents, of any age)"),
        ("zh", "图例（比例按居民人数计）", "图例（比例按全体居民计，不分年龄）"),
    ],
)
def test_the_sheet_for_all_services_says_whom_its_shares_count(lang: str, plain: str, aged: str) -> None:
    homes = toy_homes(HOMES).assign(residents_60plus=1.0)
    services = [dataclasses.replace(one, ages="60+") for one in STANDARD.services[:1]]
    some = dataclasses.replace(STANDARD, services=(*services, *STANDARD.services[1:]))
    for standard, said in ((STANDARD, plain), (some, aged)):
        assert said in texts(draw_sheet(*measured(standard, homes=homes), lang=lang))


def test_a_community_whose_homes_are_not_known_is_drawn_as_unknown() -> None:
    homes = toy_homes([row for row in HOMES if row[1] != "c-estate"] + [("?", "c-estate", (1600, 150), 0)])
    homes.loc["?", "kind"] = "none"
    coverage, gaps = measured(homes=homes)
    estate = coverage.city.communities.geometry.iloc[2]
    for service in (None, "kindergarten"):
        last = shades_of(subject_of(coverage, gaps, service, None, "en"))[-1]
        assert "not known" in last.text
        assert shapely.covers(shapely.buffer(last.shape, 0.01), estate)


def test_holes_stay_open() -> None:
    ring = shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(3, 3), (6, 3), (6, 6), (3, 6)]])
    curve = curve_of([ring, shapely.LineString([(20, 20), (30, 30)])])
    assert curve.codes is not None
    figure = Figure(figsize=(1, 1), dpi=40)
    figure.add_artist(PathPatch(curve, transform=IdentityTransform(), facecolor="black", edgecolor="none"))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    dots = np.asarray(canvas.buffer_rgba())[::-1, :, 0]
    assert dots[1, 1] == dots[7, 7] == 0
    assert dots[4, 4] == 255
    assert [*np.asarray(curve.codes)].count(curve.MOVETO) == 3


# ---------------------------------------------------------------------- paper


@pytest.mark.parametrize("sheet", ["A3", "A4"])
def test_the_scale_is_true(town: tuple[Coverage, Any], sheet: str) -> None:
    figure = draw_sheet(*town, sheet=sheet)
    bar = [piece.get_extents() for piece in figure.axes[0].patches if piece.get_gid() == "scale-bar"]
    assert len(bar) == 4
    paper_m = (bar[-1].x1 - bar[0].x0) / figure.dpi * 0.0254
    (scale,) = (text for text in texts(figure) if text.startswith("Scale 1:"))
    metres = paper_m * float(re.sub(r"\D", "", scale.split(" on ")[0][8:]))
    (length,) = (text for text in texts(figure) if re.fullmatch(r"[\d.]+ k?m", text))
    assert metres == pytest.approx(float(length.split()[0]) * (1000 if "km" in length else 1))


def test_north_is_up_on_the_middle_meridian(town: tuple[Coverage, Any]) -> None:
    needles = [
        piece.get_path().vertices for piece in draw_sheet(*town).axes[0].patches if piece.get_gid() == "north"
    ]
    tip, other_tip = needles[0][0], needles[1][0]
    assert tip == pytest.approx(other_tip)
    assert tip[0] == pytest.approx(needles[0][2][0], abs=0.05)  # the notch lies straight below the tip
    assert tip[1] > needles[0][2][1]


def test_the_sheet_stands_as_the_city_does() -> None:
    wide = draw_sheet(*measured()).get_size_inches() * 25.4
    assert wide == pytest.approx([297, 210])
    tall = [
        ("north", "c-tall", (100, 100), 10), ("south", "c-tall", (100, 3900), 10),
    ]  # fmt: skip
    community = layer(
        boxes([(0, 0, 1200, 4000)]), community_id=["c-tall"], community=["Tall"], population=np.nan
    )
    upright = draw_sheet(
        *measured(communities=community, homes=toy_homes(tall)), sheet="A3"
    ).get_size_inches()
    assert upright * 25.4 == pytest.approx([297, 420])


@pytest.mark.parametrize("sheet", ["A3", "A4"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_nothing_leaves_the_paper(lang: str, sheet: str) -> None:
    """Five services, four thresholds, and long names."""
    extra = [
        dataclasses.replace(STANDARD.services[0], id=f"other_{n}", name={"zh": "长" * 30, "en": "long " * 20})
        for n in (1, 2)
    ]
    standard = dataclasses.replace(STANDARD, services=(*STANDARD.services, *extra))
    standard = standard.with_minutes([5, 10, 15, 20])
    name = {"en": "A town of a very long name " * 5, "zh": "名字很长的镇" * 12}
    figure = draw_sheet(*measured(standard, name=name, data="synthetic sample"), lang=lang, sheet=sheet)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    paper = figure.bbox
    for text in figure.axes[0].texts:
        extent = text.get_window_extent(canvas.get_renderer())
        assert Bbox.intersection(extent, paper).size == pytest.approx(extent.size), text.get_text()


def test_a_sheet_of_many_services_has_room_for_its_map_and_says_what_it_leaves_out() -> None:
    kinds = [
        dataclasses.replace(
            STANDARD.services[n % 3], id=f"kind_{n}", name={"zh": f"类{n}", "en": f"Kind {n}"}
        )
        for n in range(21)
    ]
    figure = draw_sheet(
        *measured(dataclasses.replace(STANDARD, services=tuple(kinds))), lang="en", sheet="A3"
    )
    said = texts(figure)
    assert [text for text in said if text.endswith("services missed")] == [
        "1 to 3 services missed", "4 to 7 services missed", "8 to 10 services missed",
        "11 to 14 services missed", "15 to 17 services missed", "18 to 21 services missed",
    ]  # fmt: skip
    rows = sum(text == "15 min" for text in said)
    assert f"{rows} of 21 rows; all of them stand in ledger.xlsx." in " ".join(said)
    assert sum(text.startswith("Kind ") and "(0)" in text for text in said) == 21  # the legend


def test_a_png_has_the_dots_of_its_paper_and_shows_the_gaps(
    town: tuple[Coverage, Any], tmp_path: Path
) -> None:
    (path,) = save_sheets(*town, tmp_path, formats=["png"], services=["kindergarten"], dpi=100)
    dots = rgb(path)
    assert dots.shape == (826, 1169, 3)  # 210 x 297 mm
    gap = (abs(dots - [0xCD, 0x6A, 0x50]) < 6).all(axis=2)
    assert gap.sum() > 500
    assert len(np.unique(dots.reshape(-1, 3), axis=0)) > 100


def test_an_svg_is_text_in_xml(town: tuple[Coverage, Any], tmp_path: Path) -> None:
    (path,) = save_sheets(*town, tmp_path, formats=["svg"], services=["clinic"], lang="zh")
    root = ET.parse(path).getroot()  # noqa: S314  we wrote it
    said = ["".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "图例" in said
    assert "内部研究用图，未经审图" in said
    assert "Noto Sans SC" in path.read_text(encoding="utf-8")


def test_the_same_sheet_is_the_same_file(town: tuple[Coverage, Any], tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        paths = save_sheets(
            *town, tmp_path / name, formats=["pdf", "png", "svg"], services=["clinic"], dpi=60
        )
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]


def test_settings_of_the_user_change_nothing_and_are_kept(town: tuple[Coverage, Any], tmp_path: Path) -> None:
    (plain,) = save_sheets(*town, tmp_path, formats=["png"], services=["clinic"], dpi=60)
    before = plain.read_bytes()
    with mpl.rc_context(
        {"text.usetex": True, "savefig.bbox": "tight", "font.size": 40, "axes.facecolor": "red"}
    ):
        kept = dict(mpl.rcParams)
        (path,) = save_sheets(*town, tmp_path, formats=["png"], services=["clinic"], dpi=60)
        assert dict(mpl.rcParams) == kept
    assert path.read_bytes() == before


def test_drawing_needs_no_pyplot() -> None:
    code = "import sys, lifecircle.render.print_map; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# ---------------------------------------------------------------------- names on the map

LABELS = st.lists(
    st.builds(
        Label,
        st.sampled_from([["示例社区"], ["Long name", "of two"], ["G001"]]),
        st.floats(-10, 110),
        st.floats(-10, 110),
        st.just(BODY._replace(align="center")),
        st.sampled_from([None, Box(0, 0, 100, 100)]),
    ),
    max_size=25,
)


@given(LABELS)
def test_no_name_touches_another_or_the_frame(labels: list[Label]) -> None:
    frame = Box(0, 0, 100, 100)
    standing = fitting(labels, frame, 1.0)
    rooms = []
    for label in standing:
        half, high = max(width_mm(line, label.hand.size) for line in label.lines) / 2, label.hand.line_mm / 2
        rooms.append(
            Box(
                label.x - half,
                label.y - high * len(label.lines),
                label.x + half,
                label.y + high * len(label.lines),
            )
        )
    assert all(frame.encloses(room) for room in rooms)
    assert not any(one.touches(other) for n, one in enumerate(rooms) for other in rooms[:n])
    inside = [
        label for label in labels if frame.encloses(Box(label.x - 20, label.y - 8, label.x + 20, label.y + 8))
    ]
    assert bool(standing) >= bool(inside)


def test_the_first_name_wins() -> None:
    labels = [Label([name], 50, 50, BODY._replace(align="center")) for name in ("first", "other")]
    assert [label.lines for label in fitting(labels, Box(0, 0, 100, 100), 1.0)] == [["first"]]
    assert fitting(labels, Box(0, 0, 100, 100), 1.0, [Box(45, 45, 55, 55)]) == []


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("示例社区26·江南三区", ["示例社区26", "江南三区"]),
        ("Unbreakable", ["Unbreakable"]),
        ("IES LA ISLETA", ["IES LA", "ISLETA"]),
    ],
)
def test_long_names_stand_on_two_lines(name: str, lines: list[str]) -> None:
    assert in_two(name, 8.0, 10.0) == lines
    assert in_two(name, 8.0, 100.0) == [name]


# ---------------------------------------------------------------------- odd towns and wrong words


def test_towns_that_lack_nearly_everything_are_drawn() -> None:
    standard = dataclasses.replace(STANDARD, services=STANDARD.services[:1]).with_minutes([240])
    nobody = toy_homes(
        [("a", "c-north", (300, 30), 0), ("e", "c-south", (700, -300), 0), ("j", "c-estate", (1900, 100), 0)]
    )
    for town in (
        measured(standard, backdrop=None, boundary=None, osm_timestamp=None),
        measured(homes=nobody),
        measured(facilities=toy_facilities([("S", "", "clinic", (0, -300))])),
    ):
        for service in (None, town[0].standard.services[0].id):
            said = texts(draw_sheet(*town, service=service))
            assert not any("nan" in text for text in said)


@pytest.mark.parametrize(
    ("choice", "error", "told"),
    [
        ({"service": "school"}, UnknownNameError, "kindergarten"),
        ({"community": "Nowhere"}, UnknownNameError, "c-north"),
        ({"sheet": "A9"}, DataError, "A3, A4"),
    ],
)
def test_wrong_words_are_told_with_the_right_ones(
    town: tuple[Coverage, Any], choice: dict[str, str], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        draw_sheet(*town, **choice)  # type: ignore[arg-type]


def test_a_name_that_two_communities_share_is_refused() -> None:
    city = toy_town()
    town = measured(communities=city.communities.assign(community="Same"))
    with pytest.raises(UnknownNameError, match="3 communities"):
        draw_sheet(*town, community="Same")
    assert draw_sheet(*town, community="c-north")


def test_nothing_is_written_if_one_word_is_wrong(town: tuple[Coverage, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pdf, png, svg"):
        save_sheets(*town, tmp_path, formats=["pdf", "bmp"])
    with pytest.raises(UnknownNameError):
        save_sheets(*town, tmp_path, communities=["c-north", "Nowhere"])
    with pytest.raises(DataError):
        save_sheets(*town, tmp_path, sheet="A9")
    assert [*tmp_path.iterdir()] == []


def test_ids_of_communities_make_safe_and_different_file_names(tmp_path: Path) -> None:
    city = toy_town()
    ids = dict(zip(city.communities["community_id"], ("../a b", "..-a-b", "丽水/1"), strict=True))
    town = measured(
        communities=city.communities.assign(community_id=city.communities["community_id"].map(ids)),
        homes=city.homes.assign(community_id=city.homes["community_id"].map(ids)),
    )
    paths = save_sheets(*town, tmp_path, formats=["png"], services=[], communities=[*ids.values()], dpi=40)
    assert {path.parent for path in paths} == {tmp_path}
    assert [path.name for path in paths] == [
        "map-community-%2E%2E%2Fa%20b.png", "map-community-%2E%2E-a-b.png", "map-community-丽水%2F1.png",
    ]  # fmt: skip


def test_the_real_city_is_drawn_in_time(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    """A whole city on A3 at 300 dots per inch: a second or two, far from the ten that are promised."""
    import time

    from lifecircle.sources.read_city import read_city

    folder = shared_data("las_palmas")
    city = read_city(
        osm=folder / "las_palmas.osm.pbf", communities=folder / "catchments.geojson", name="Las Palmas"
    )
    assert isinstance(city, City)
    coverage = measure_coverage(city, STANDARD)
    gaps = find_gaps(coverage)
    started = time.process_time()  # of this process: other tests run beside it
    (path,) = save_sheets(coverage, gaps, tmp_path, formats=["png"], services=["clinic"], sheet="A3")
    assert time.process_time() - started < 10
    assert rgb(path).shape == (4960, 3507, 3)
