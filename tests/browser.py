"""What does a page do in a real browser? The machine's Chromium opens it, its network cut."""

import contextlib
import functools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page, Route

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


Visitor = Callable[..., contextlib.AbstractContextManager[Visit]]


@contextlib.contextmanager
def open_browser() -> Iterator[Visitor]:
    """Start Chromium and yield `visit`; skip the tests, saying why, where there is no browser.

    One browser serves a whole file of tests, not a session: while it runs, no other test could use asyncio.
    """
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with (
        api.sync_playwright() as player,
        player.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS) as browser,
    ):
        yield functools.partial(_visit, browser)


@contextlib.contextmanager
def _visit(
    browser: "Browser",
    path: Path,
    size: tuple[int, int] = DESKTOP,
    *,
    address: str | None = None,
    picture: bytes | None = None,
) -> Iterator[Visit]:
    """Open a file, its network cut.

    Parameters
    ----------
    browser
        Chromium.
    path
        The file.
    size
        Of the window, pixels.
    address
        Where on the web the file seems to lie.
    picture
        What every other address answers with; without one it does not answer.
    """
    phone = size == PHONE
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, has_touch=phone, is_mobile=phone
    )
    page = context.new_page()
    seen = Visit(page)

    def cut(route: "Route") -> None:
        if route.request.url.startswith("file:"):
            route.continue_()
        elif route.request.url == address:
            route.fulfill(path=path, content_type="text/html")
        elif picture:
            seen.requests.append(route.request.url)
            route.fulfill(body=picture, content_type="image/png")
        else:
            seen.requests.append(route.request.url)
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
    page.goto(address or path.resolve().as_uri())
    with contextlib.closing(context):
        yield seen
