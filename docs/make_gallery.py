"""What do the results look like? Draws the pictures of ``docs/gallery.md`` and of the README.

Run from the root of the repository after a change of the maps: ``python docs/make_gallery.py``. The web map
is pictured by Chromium through playwright; without them its pictures stay as they are.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import lifecircle as lc
from lifecircle.render.map_page import save_map
from lifecircle.report import Report

IMAGES = Path(__file__).with_name("images")
SHEETS = {
    "sheet-all.png": {"lang": "en"},
    "sheet-elderly-care.png": {"service": "elderly_care", "lang": "zh"},
    "sheet-community.png": {"community": "worst", "lang": "zh"},
}
WEB_MAPS = {
    "lishui.png": ("en", (1400, 900)),
    "web-map.png": ("zh", (1400, 900)),
    "phone.png": ("zh", (390, 844)),
}
_DPI = 110


def draw_gallery() -> None:
    """Draw every picture anew."""
    IMAGES.mkdir(exist_ok=True)
    report = lc.analyze("lishui")
    worst = report.gaps["community_id"].iloc[0]
    for name, choices in SHEETS.items():
        asked = {key: worst if value == "worst" else value for key, value in choices.items()}
        sheet = lc.draw_sheet(report.coverage, report.gaps, **asked)
        sheet.savefig(IMAGES / name, dpi=_DPI, metadata={"Software": None})
    _picture_web_maps(report)


def _picture_web_maps(report: Report) -> None:
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - the other pictures do without
    except ImportError:
        browser_path = None
    if browser_path is None:
        sys.exit("no Chromium or no playwright here: the pictures of the web map stay as they are")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as player:
        browser = player.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        for name, (lang, (width, height)) in WEB_MAPS.items():
            path = Path(folder) / "map.html"
            save_map(lc.draw_map(report.coverage, report.gaps, lang=lang), path)
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(path.as_uri())
            page.wait_for_load_state("networkidle")
            page.screenshot(path=IMAGES / name)
        browser.close()


if __name__ == "__main__":
    draw_gallery()
