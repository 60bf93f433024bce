"""How is one question asked until there is a whole answer, within so many tries and so much time?"""

import contextlib
import dataclasses
import datetime as dt
import email.utils
import hashlib
import json
import math
import os
import queue
import re
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from lifecircle.errors import FetchError
from lifecircle.messages import say

Progress = Callable[[str], None]
Answer = TypeVar("Answer")

QUERY_SECONDS = 180
"""How long a server may think; a constant, because it stands in the question and the cache goes by that."""
_CONNECT_SECONDS = 20
_FIRST_WAIT_SECONDS = 15.0
_LONGEST_WAIT_SECONDS = 60.0
_FRESH_SECONDS = 24 * 3600
"""An answer kept longer than this is asked for again: planners mend the map and fetch it anew."""
_PART = ".part-"
_LARGEST_ANSWER = 512 * 2**20
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclasses.dataclass(eq=False)
class NoAnswerError(Exception):
    """One try that brought nothing: the message that says so, what was seen, and whether to ask again."""

    key: str
    detail: str
    again: bool = True
    wait_seconds: float | None = None


class Transport:
    """Asks servers, within so many tries for each question and so many seconds for all of them.

    Parameters
    ----------
    tries
        How often one question is asked at most.
    total_seconds
        How long all questions may take together, waits included, from now on.
    cache_folder
        Where whole answers are kept for a day; runs at the same time may share it. None: nowhere.
    lang
        Language of `progress`.
    progress
        Told every wait, second by second.

    Attributes
    ----------
    requests_kwargs
        What is added to every request, as a proxy or a certificate.
    """

    def __init__(
        self, *, tries: int, total_seconds: float, cache_folder: Path | None, lang: str, progress: Progress
    ) -> None:
        self.requests_kwargs: dict[str, Any] = {}
        self._tries = tries
        self._total_seconds = total_seconds
        self._start = time.monotonic()
        self._cache_folder = cache_folder
        self._lang = lang
        self._progress = progress

    def ask(
        self,
        method: Literal["GET", "POST"],
        url: str,
        form: Mapping[str, Any],
        read: Callable[[bytes], Answer],
    ) -> tuple[Answer, bytes]:
        """Return a whole answer, from the cache or from the server, and the bytes that `read` made it of.

        Parameters
        ----------
        method, url, form
            The question.
        read
            Makes the answer of its bytes, and raises `NoAnswerError` where they are not all of it.

        Raises
        ------
        FetchError
            If there was none; the message says what the server did instead.
        """
        kept = self._kept_file(method, url, form)
        if kept is not None:
            # whatever is wrong with a kept answer, it is asked for again
            with contextlib.suppress(OSError, NoAnswerError):
                if time.time() - kept.stat().st_mtime < _FRESH_SECONDS:
                    body = kept.read_bytes()
                    return read(body), body
        number = 1
        while True:
            try:
                body = self._send(method, url, form)
                answer = read(body)
            except NoAnswerError as failure:
                self._wait_or_give_up(url, number, failure)
                number += 1
            else:
                if kept is not None:
                    self._keep(kept, body)
                return answer, body

    def _wait_or_give_up(self, url: str, number: int, failure: NoAnswerError) -> None:
        """Wait as long as the server asks, else longer after every try; give up where that is of no use."""
        server = urllib.parse.urlsplit(url).netloc.rpartition("@")[2]
        wait = failure.wait_seconds
        if wait is None:
            wait = min(_FIRST_WAIT_SECONDS * 2 ** (number - 1), _LONGEST_WAIT_SECONDS)
        if not failure.again or number >= self._tries or wait >= self._seconds_left():
            raise FetchError(
                failure.key,
                server=server,
                tries=number,
                seconds=round(time.monotonic() - self._start),
                detail=failure.detail,
            ) from failure
        until = time.monotonic() + wait
        while (left := until - time.monotonic()) > 0:
            self._progress(
                say(
                    "fetch.waiting",
                    self._lang,
                    server=server,
                    detail=failure.detail,
                    number=number + 1,
                    tries=self._tries,
                    seconds=math.ceil(left),
                )
            )
            time.sleep(min(1.0, left))

    def _seconds_left(self) -> float:
        return self._start + self._total_seconds - time.monotonic()

    def _send(self, method: str, url: str, form: Mapping[str, Any]) -> bytes:
        """Return the body of an answer with status 200.

        A thread receives, so that the deadline holds in every phase against a server that drips bytes, and
        Ctrl-C is heard at once, also on Windows.
        """
        result: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()
        given_up = threading.Event()

        def receive() -> None:
            try:
                result.put(self._receive(method, url, form, given_up))
            except Exception as error:  # noqa: BLE001  handed on to the thread that waits
                result.put(error)

        threading.Thread(target=receive, name="fetch", daemon=True).start()
        try:
            while (left := self._seconds_left()) > 0:
                with contextlib.suppress(queue.Empty):
                    got = result.get(timeout=min(left, 0.5))
                    if isinstance(got, Exception):
                        raise got
                    return got
        finally:
            given_up.set()
        raise NoAnswerError("fetch.too_slow", detail=f"> {self._total_seconds:g} s", again=False)

    def _receive(self, method: str, url: str, form: Mapping[str, Any], given_up: threading.Event) -> bytes:
        import requests  # noqa: PLC0415  comes with OSMnx, and only who downloads needs it

        kwargs: dict[str, Any] = self.requests_kwargs | {
            "data" if method == "POST" else "params": form,
            "headers": {"User-Agent": "lifecircle (with OSMnx)", "Accept-Language": self._lang},
            "timeout": (_CONNECT_SECONDS, QUERY_SECONDS + _CONNECT_SECONDS),
            "stream": True,
        }
        body = bytearray()
        try:
            with requests.Session() as session, session.request(method, url, **kwargs) as response:
                # small pieces, because reading one waits until it is full
                for piece in response.iter_content(4096):
                    body += piece
                    if len(body) > _LARGEST_ANSWER:
                        detail = f"> {_LARGEST_ANSWER:,} B"
                        raise NoAnswerError("fetch.too_large", detail, again=False)
                    if given_up.is_set():
                        break
        except requests.RequestException as error:
            raise NoAnswerError("fetch.broken_off", detail=_innermost(error)) from error
        _check_status(response.status_code, response.headers, bytes(body))
        return bytes(body)

    def _kept_file(self, method: str, url: str, form: Mapping[str, Any]) -> Path | None:
        if self._cache_folder is None:
            return None
        question = json.dumps([method, url, form], sort_keys=True)
        return self._cache_folder / f"{hashlib.sha256(question.encode()).hexdigest()}.json"

    def _keep(self, file: Path, body: bytes) -> None:
        """Keep a checked answer: other runs see all of it or nothing. A download needs no cache to go on."""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            for left in file.parent.glob(f"{_PART}*"):  # by a run that was killed
                if time.time() - left.stat().st_mtime > _FRESH_SECONDS:
                    left.unlink(missing_ok=True)
            descriptor, part = tempfile.mkstemp(dir=file.parent, prefix=_PART)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(body)
                Path(part).replace(file)
            finally:
                Path(part).unlink(missing_ok=True)
        except OSError as error:
            self._progress(say("fetch.not_cached", self._lang, path=file.parent, cause=error.strerror))


def excerpt(body: bytes) -> str:
    """Return the first words of an answer that was to be data, without HTML tags."""
    text = re.sub(r"<[^<>]*>", " ", body[:4096].decode(errors="replace"))
    return " ".join(text.split())[:120]


def _check_status(status: int, headers: Mapping[str, str], body: bytes) -> None:
    if status == 200:  # noqa: PLR2004 - OK
        return
    if status in _BUSY:
        wait = _retry_after(headers.get("Retry-After"))
        asked = "" if wait is None else f", Retry-After {wait:.0f} s"
        raise NoAnswerError("fetch.busy", f"HTTP {status}{asked}", wait_seconds=wait)
    raise NoAnswerError("fetch.refused", f"HTTP {status}: {excerpt(body)}", again=False)


def _retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for; it holds seconds or a date."""
    if value is None:
        return None
    with contextlib.suppress(ValueError, OverflowError):
        if value.strip().isdecimal():
            return float(value)
        until = email.utils.parsedate_to_datetime(value)
        until = until if until.tzinfo else until.replace(tzinfo=dt.UTC)
        return max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds())
    return None


def _innermost(error: BaseException) -> str:
    """Return what went wrong first: the outer errors of a connection repeat the whole question."""
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {error}"
