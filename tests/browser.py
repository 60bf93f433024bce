"""What does a page do in a real browser? The machine's Chromium opens it, its network cut."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page, Route

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip
DESKTOP, PHONE = (1400, 900), (390, 844)


@dataclass
class Visit:
    """A page, and what went wrong on it: addresses it asked for, errors it reported, dialogs it opened."""

    page: "Page"
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    @property
    def is_quiet(self) -> bool:
        """Whether it asked for nothing, reported nothing and opened nothing."""
        return not (self.requests or self.errors or self.dialogs)

    def colors(self) -> int:
        """Return how many colours the window shows: one where nothing is drawn."""
        picture = self.page.screenshot(type="png")
        self.page.evaluate("picture => { window.picture = picture }", picture.hex())
        return int(
            self.page.evaluate(
                """async () => {
                    const bytes = Uint8Array.from(picture.match(/../g), (pair) => parseInt(pair, 16));
                    const image = await createImageBitmap(new Blob([bytes], {type: "image/png"}));
                    const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
                    pen.drawImage(image, 0, 0);
                    const { buffer } = pen.getImageData(0, 0, image.width, image.height).data;
                    return new Set(new Uint32Array(buffer)).size;
                }"""
            )
        )


@contextlib.contextmanager
def visit(path: Path, size: tuple[int, int] = DESKTOP) -> Iterator[Visit]:
    """Open a file in Chromium; skip the test, saying why, where there is no browser."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with (
        api.sync_playwright() as player,
        player.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS) as browser,
    ):
        phone = size == PHONE
        page = browser.new_page(
            viewport={"width": size[0], "height": size[1]}, has_touch=phone, is_mobile=phone
        )
        seen = Visit(page)

        def cut(route: "Route") -> None:
            address = route.request.url
            if address.startswith("file:"):
                route.continue_()
            else:
                seen.requests.append(address)
                route.abort()

        def dismiss(dialog: "Dialog") -> None:
            seen.dialogs.append(dialog.message)
            dialog.dismiss()

        page.route("**/*", cut)
        page.on(
            "console",
            lambda said: seen.errors.append(said.text) if said.type in {"error", "warning"} else None,
        )
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("dialog", dismiss)
        page.goto(path.resolve().as_uri())
        yield seen
