"""Does the Word report say what was measured, in the order planners use, and harm nobody who opens it?"""

import dataclasses
import re
import zipfile
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.oxml.ns import qn
from PIL import Image
from test_workbook import PAYLOADS, SAMPLE
from toy_town import FACILITIES, HOMES, STANDARD, toy_facilities, toy_homes, toy_town

from lifecircle.analysis import analyze
from lifecircle.messages import clean
from lifecircle.render.community_page import write_community_pages
from lifecircle.render.document import write_document
from lifecircle.render.workbook import xml_text
from lifecircle.report import Report

ORDER = {
    "zh": ["范围与依据", "现状体检", "覆盖率", "盲区图", "短板清单", "选址与措施", "数据说明与局限"],
    "en": ["Scope", "present state", "Coverage", "Maps", "List of gaps", "Siting", "Data and limits"],
}


@pytest.fixture(scope="module")
def report() -> Report:
    return analyze(toy_town(), STANDARD)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("maps") / "map-clinic.png"
    Image.new("RGB", (700, 1000), "white").save(path)
    return path


def document(report: Report, folder: Path, lang: str = "en", **options: Any) -> Any:
    path = folder / "report.docx"
    write_document(report.coverage, report.gaps, path, lang=lang, **options)
    return docx.Document(str(path))


def text_of(made: Any) -> str:
    return "\n".join(paragraph.text for paragraph in made.paragraphs)


def rows_of(table: Any) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_sections_stand_in_the_order_planners_use(report: Report, tmp_path: Path, lang: str) -> None:
    made = document(report, tmp_path, lang)
    headings = [paragraph.text for paragraph in made.paragraphs if paragraph.style.name == "Heading 1"]
    assert len(headings) == len(ORDER[lang])
    assert all(words in heading for words, heading in zip(ORDER[lang], headings, strict=True))
    assert "{" not in text_of(made)


def test_city_figures_are_those_measured(report: Report, tmp_path: Path) -> None:
    made, totals = document(report, tmp_path), report.coverage.totals()
    head, *rows = rows_of(made.tables[1])
    people = [dict(zip(head, row, strict=True)) for row in rows if row[2] == "Residents"]
    assert len(people) == len(totals) == 6
    for row, expected in zip(people, totals.to_dict("records"), strict=True):
        assert row["Service"] == expected["service"]
        assert row["Within"] == f"{expected['threshold_minutes']:g} min"
        for heading, word in (("Covered", "covered"), ("In a gap", "gap"), ("Unknown", "unknown")):
            assert row[heading] == f"{expected[f'residents_{word}']:,.0f}"
        assert row["Share covered"] == f"{expected['share_covered']:.1%}"


def test_community_figures_are_those_measured(report: Report, tmp_path: Path) -> None:
    made = document(report, tmp_path)
    head, *rows = rows_of(made.tables[2])
    table = report.coverage.by_community()
    shares = table.set_index(["community", "service", "threshold_minutes"])["share_covered"]
    assert [row[0] for row in rows] == report.city.communities["community"].tolist()
    for row in rows:
        for heading, value in zip(head[2:], row[2:], strict=True):
            service, minutes, _ = heading.split()
            assert value == f"{shares[row[0], service, float(minutes)]:.1%}"


def test_many_services_stand_in_several_tables(tmp_path: Path) -> None:
    kinds = [
        dataclasses.replace(STANDARD.services[n % 3], id=f"kind_{n}", name={"zh": "类", "en": f"Kind {n}"})
        for n in range(19)
    ]
    many = analyze(toy_town(), dataclasses.replace(STANDARD, services=tuple(kinds)))
    tables = [rows_of(table) for table in document(many, tmp_path).tables[2:5]]
    heads = [heading for head, *_ in tables for heading in head[2:]]
    assert heads == [f"Kind {n} 15 min" for n in range(19)]
    last = many.coverage.by_community().groupby("community", sort=False).tail(1)["share_covered"]
    assert [row[-1] for row in tables[2][1:]] == [f"{share:.1%}" for share in last]


def test_communities_have_every_share_with_what_it_is_of(report: Report, tmp_path: Path) -> None:
    head, *rows = rows_of(document(report, tmp_path).tables[3])
    assert head[3:] == [
        *("Whom it counts", "Share covered, of residents", "Share covered, of homes"),
        *(
            "Share covered, of inhabited area",
            "Share covered, of area",
            "Meets the standard (wholly covered)",
        ),
    ]
    table = report.coverage.by_community()
    table = table[table["threshold_minutes"] == 15]
    kinds = ("", "_homes", "_inhabited", "_area")
    shares = table[[f"share{kind}_covered" for kind in kinds]].to_numpy()
    assert [row[4:8] for row in rows] == [[f"{share:.1%}" for share in line] for line in shares]
    meets = table["share_communities_covered"].map({1.0: "yes"}).fillna("no")
    assert ["yes" if row[8] == "yes" else "no" for row in rows] == meets.tolist()
    assert len({tuple(row[4:8]) for row in rows}) > 3, "the shares differ"


def test_the_worst_gaps_are_listed_and_the_rest_referred_to(report: Report, tmp_path: Path) -> None:
    made = document(report, tmp_path)
    _, *rows = rows_of(made.tables[4])
    longest = report.gaps[report.gaps["threshold_minutes"] == 15]
    assert [row[0] for row in rows] == longest["gap_id"].tolist()[:20]
    assert [row[3] for row in rows] == [f"{value:,.0f}" for value in longest["residents"][:20]]
    assert "unreachable" in {row[6] for row in rows}
    text = text_of(made)
    assert f"{len(report.gaps)} gaps were found at all thresholds together, {len(longest)} of them" in text
    assert "ledger.xlsx" in text


def test_prose_names_denominator_pace_standard_and_grade(report: Report, tmp_path: Path) -> None:
    made = document(report, tmp_path)
    clinic = report.coverage.totals().set_index(["service", "threshold_minutes"]).loc[("clinic", 15.0)]
    line = next(text for text in text_of(made).splitlines() if text.startswith("clinic: the data"))
    for words in (
        "holds 2 facilities",
        "1.2 m/s (grade M)",
        f"{clinic['share_covered']:.1%} within 15 min, of residents",
        f"{clinic['residents_gap']:,.0f} residents ({clinic['share_gap']:.1%})",
    ):
        assert words in line
    notes = [p.text for p in made.paragraphs if p.style.name == "Table Note"]
    assert len(notes) == 4
    for note in notes:
        assert "standard “Toy” (thresholds grade M)" in note
        assert "kindergarten 0.9 (grade M)" in note


def test_reasons_say_what_to_do_and_that_no_site_was_computed(report: Report, tmp_path: Path) -> None:
    text = text_of(document(report, tmp_path))
    at_15 = report.gaps[report.gaps["threshold_minutes"] == 15]
    detours = at_15[at_15["reason"] == "detour"]
    assert f"detour: {len(detours)} gaps, {detours['residents'].sum():,.0f} residents" in text
    assert "first open dead ends" in text
    assert "no plot, size, sequence or cost" in text


def test_tables_repeat_their_head_and_are_numbered_in_order(report: Report, tmp_path: Path) -> None:
    made = document(report, tmp_path, "zh")
    for table in made.tables:
        first, *rest = table.rows
        assert first._tr.trPr.find(qn("w:tblHeader")) is not None
        assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in rest)
    captions = [p._p.xpath("string(.)") for p in made.paragraphs if p.style.name == "Caption"][1:]
    assert [caption[:3] for caption in captions] == [f"表 {number}" for number in range(1, 9)]
    fields = made.element.body.xpath(".//w:fldSimple/@w:instr")
    assert [field.split()[0] for field in fields] == ["SEQ"] * 8


def test_pages_are_numbered(report: Report, tmp_path: Path) -> None:
    footer = document(report, tmp_path, "zh").sections[0].footer
    assert footer._element.xpath(".//w:fldSimple/@w:instr") == [" PAGE ", " NUMPAGES "]
    assert footer._element.xpath("string(.)") == "第 1 页  共 1 页"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_chinese_has_a_font_of_its_own(report: Report, tmp_path: Path, lang: str) -> None:
    made = document(report, tmp_path, lang)
    expected = {"Normal": "宋体", "Heading 1": "黑体", "Title": "黑体", "Caption": "黑体"}
    for name, font in expected.items():
        fonts = made.styles[name].element.rPr.rFonts
        assert fonts.get(qn("w:eastAsia")) == font
        assert not [key for key in fonts.attrib if key.endswith("Theme")], "a theme would win over it"


def test_the_file_names_nobody(report: Report, tmp_path: Path) -> None:
    about = document(report, tmp_path).core_properties
    assert about.author == about.last_modified_by == ""
    assert about.title == "Toy Town: walking access to services, Toy"
    with zipfile.ZipFile(tmp_path / "report.docx") as parts:
        text = b"".join(parts.read(name) for name in parts.namelist() if name.endswith(".xml"))
    assert b"python-docx" not in text


def test_the_same_figures_make_the_same_bytes(report: Report, tmp_path: Path) -> None:
    document(report, tmp_path)
    first = (tmp_path / "report.docx").read_bytes()
    document(report, tmp_path)
    assert (tmp_path / "report.docx").read_bytes() == first


def test_maps_are_bound_in_with_their_captions(report: Report, tmp_path: Path, picture: Path) -> None:
    made = document(report, tmp_path, pictures=[picture, picture])
    assert len(made.inline_shapes) == 2
    shape = made.inline_shapes[0]
    assert shape.height / shape.width == pytest.approx(1000 / 700, rel=0.01)
    assert shape.width.mm <= 162
    assert shape.height.mm <= 190.1
    captions = [p._p.xpath("string(.)") for p in made.paragraphs if p.style.name == "Caption"]
    figures = [caption for caption in captions if caption.startswith("Figure")]
    assert [figure[:8] for figure in figures] == ["Figure 1", "Figure 2"]
    assert "clinic" in figures[0]
    assert "No printed map" not in text_of(made)
    assert "No printed map" in text_of(document(report, tmp_path))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_sample_says_so_at_the_top_and_on_every_page(tmp_path: Path, lang: str) -> None:
    sample = analyze(toy_town(data="synthetic sample"), STANDARD)
    pages = write_community_pages(sample.coverage, sample.gaps, tmp_path / "pages", lang=lang)
    for made in (document(sample, tmp_path, lang), *(docx.Document(str(path)) for path in pages.values())):
        assert SAMPLE[lang] in made.paragraphs[0].text
        assert SAMPLE[lang] in made.sections[0].header.paragraphs[0].text
        assert SAMPLE[lang] in made.core_properties.comments


def test_a_real_city_does_not(report: Report, tmp_path: Path) -> None:
    made = document(report, tmp_path)
    assert SAMPLE["en"] not in text_of(made) + made.sections[0].header.paragraphs[0].text
    assert "OpenStreetMap contributors" in text_of(made)


def hostile(payload: str) -> Report:
    city = toy_town(
        name={"zh": payload, "en": payload},
        facilities=toy_facilities([("K", payload, "kindergarten", (100, 0)), *FACILITIES[1:]]),
    )
    names = [payload, *city.communities["community"][1:]]
    return analyze(dataclasses.replace(city, communities=city.communities.assign(community=names)), STANDARD)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_are_shown_and_never_run(tmp_path: Path, payload: str) -> None:
    report = hostile(payload)
    made = document(report, tmp_path)
    name = clean(xml_text(payload))
    assert name in {row[0] for row in rows_of(made.tables[2])}
    assert name in {row[5] for row in rows_of(made.tables[4])}, "the nearest facility"
    pages = write_community_pages(report.coverage, report.gaps, tmp_path / "pages", lang="en")
    page = docx.Document(str(pages["c-north"]))
    assert name in text_of(page)
    for path in (tmp_path / "report.docx", pages["c-north"]):
        with zipfile.ZipFile(path) as parts:
            body = parts.read("word/document.xml")
            assert b"w:hyperlink" not in body
            assert set(re.findall(rb'w:instr="\s*(\w+)', body)) <= {b"SEQ"}
    assert pages["c-north"].parent == tmp_path / "pages"
    assert re.fullmatch(r"0001-[\w-]{0,40}\.docx", pages["c-north"].name)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_each_community_gets_its_page(report: Report, tmp_path: Path, picture: Path, lang: str) -> None:
    pages = write_community_pages(
        report.coverage, report.gaps, tmp_path / "pages", lang=lang, pictures={"c-south": picture}
    )
    assert list(pages) == report.city.communities["community_id"].tolist()
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == [
        "0001-North-Bank.docx",
        "0002-South-Bank.docx",
        "0003-The-Estate.docx",
    ]
    table = report.coverage.by_community()
    longest = report.gaps[report.gaps["threshold_minutes"] == 15]
    for community, path in pages.items():
        made = docx.Document(str(path))
        assert len(made.inline_shapes) == (community == "c-south")
        its = table[table["community_id"] == community]
        _, *rows = rows_of(made.tables[0])
        assert [row[4] for row in rows] == [f"{value:,.0f}" for value in its["residents_gap"]]
        assert [row[6] for row in rows] == [f"{value:.1%}" for value in its["share_covered"]]
        _, *listed = rows_of(made.tables[2])
        ids = longest[longest["community_id"] == community]["gap_id"].tolist()
        assert [row[0] for row in listed] == ids[:5]
        assert rows_of(made.tables[3])[1] == ["", "", ""], "left for the planner"


def test_only_the_communities_asked_for_get_a_page(report: Report, tmp_path: Path) -> None:
    pages = write_community_pages(
        report.coverage, report.gaps, tmp_path / "pages", lang="en", communities=["c-estate"]
    )
    assert [path.name for path in (tmp_path / "pages").iterdir()] == ["0003-The-Estate.docx"]
    assert list(pages) == ["c-estate"]


def test_a_city_without_gaps_or_facilities_has_a_report(tmp_path: Path) -> None:
    everywhere = [(f"{x}-{s.id}", "Here", s.id, (x, 0)) for s in STANDARD.services for x in (300, 900)]
    happy = analyze(
        toy_town(facilities=toy_facilities(everywhere), homes=toy_homes(HOMES[:3])), STANDARD, minutes=[60]
    )
    assert "No gap was found at 60 minutes." in text_of(document(happy, tmp_path))
    pages = write_community_pages(happy.coverage, happy.gaps, tmp_path / "pages", lang="en")
    assert "No gap was found" in text_of(docx.Document(str(pages["c-north"])))
    bare = analyze(toy_town(facilities=toy_facilities([])), STANDARD)
    text = text_of(document(bare, tmp_path))
    assert text.count("There is no facility of kindergarten, elderly_care, clinic in the data") == 1
    assert "The median walk is unreachable" in text


def test_a_large_city_refers_the_rest_to_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lifecircle.render.document._MOST_COMMUNITIES", 2)
    report = analyze(toy_town(), STANDARD)
    made = document(report, tmp_path)
    _, *rows = rows_of(made.tables[2])
    left_out = report.coverage.by_community().groupby("community")["residents_gap"].sum()
    assert {row[0] for row in rows} == set(left_out.nlargest(2).index)
    assert "list the 2 communities with most people in gaps; all 3 stand in ledger.xlsx" in text_of(made)
