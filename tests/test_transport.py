"""Is a question asked until there is a whole answer, within its tries and its time?"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from overpass_server import BUSY, FAULTS, TIMED_OUT, Answer, Element, OverpassServer, serve, town

from lifecircle.errors import FetchError
from lifecircle.messages import LANGUAGES
from lifecircle.sources import transport
from lifecircle.sources.osm_answers import overpass_answer
from lifecircle.sources.transport import Transport

KINDERGARTEN = [element for element in town() if element["id"] == 30]
QUESTION = "[out:json];(node['amenity'='kindergarten'](poly:'...'););out;"


@pytest.fixture(autouse=True)
def _no_proxy_and_short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(transport, "_FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(transport, "_LONGEST_WAIT_SECONDS", 0.01)


@pytest.fixture
def server() -> Iterator[OverpassServer]:
    with serve(town()) as running:
        yield running


def ask(url: str, **options: Any) -> list[Element]:
    """Ask for kindergartens as a new run does."""
    defaults: dict[str, Any] = {
        "tries": 4, "total_seconds": 100, "cache_folder": None, "lang": "en", "progress": lambda _: None,
    }  # fmt: skip
    answer, body = Transport(**(defaults | options)).ask(
        "POST", f"{url}/interpreter", {"data": QUESTION}, overpass_answer
    )
    assert json.loads(body) == answer
    elements: list[Element] = answer["elements"]
    return elements


# ---------------------------------------------------------------------- servers that fail


def test_a_busy_server_is_asked_again_and_the_wait_is_told(server: OverpassServer) -> None:
    server.script.append(Answer(429, b"", {"Retry-After": "2"}))
    told: list[str] = []
    start = time.monotonic()
    assert ask(server.url, progress=told.append) == KINDERGARTEN
    assert time.monotonic() - start >= 2
    assert server.asked == [QUESTION] * 2
    assert [line.rpartition("; ")[2] for line in told if "no whole answer" in line][:2] == [
        "try 2 of 4 in 2 s",
        "try 2 of 4 in 1 s",
    ]


def test_retry_after_may_be_a_date(server: OverpassServer) -> None:
    tomorrow = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    server.script.append(Answer(429, b"", {"Retry-After": tomorrow}))
    with pytest.raises(FetchError) as caught:
        ask(server.url)
    assert 86000 < float(str(caught.value.values["detail"]).split()[-2]) <= 86400
    assert len(server.asked) == 1  # no use in waiting longer than the whole run may take


def test_other_retry_after_never_stop_a_run(server: OverpassServer) -> None:
    values = ["Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 -0000", "soon", "-5", ""]
    server.script.extend(Answer(503, b"", {"Retry-After": value}) for value in values)
    assert ask(server.url, tries=len(values) + 1) == KINDERGARTEN
    assert len(server.asked) == len(values) + 1


def test_without_retry_after_each_wait_is_longer_up_to_a_limit(
    server: OverpassServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(transport, "_LONGEST_WAIT_SECONDS", 0.03)
    monkeypatch.setattr(transport.time, "sleep", waits.append)
    monkeypatch.setattr(transport.time, "monotonic", lambda: sum(waits))
    server.script.extend([Answer(504)] * 4)
    ask(server.url, tries=5)
    assert waits == pytest.approx([0.01, 0.02, 0.03, 0.03])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_answer_is_asked_for_again_then_given_up_and_not_kept(
    server: OverpassServer, tmp_path: Path, fault: str
) -> None:
    answer, key = FAULTS[fault]
    server.script.extend([answer] * 9)
    with pytest.raises(FetchError) as caught:
        ask(server.url, tries=3, cache_folder=tmp_path / "cache")
    assert caught.value.key == key
    assert caught.value.values["tries"] == 3
    assert len(server.asked) == 3
    for lang in LANGUAGES:
        assert "lifecircle analyze --osm FILE.osm.pbf --communities" in caught.value.in_language(lang)
        assert " 3 " in caught.value.in_language(lang)
    assert list(tmp_path.iterdir()) == []


def test_faults_that_pass_do_no_harm(server: OverpassServer) -> None:
    server.script.extend(answer for answer, _ in FAULTS.values())
    assert ask(server.url, tries=len(FAULTS) + 1) == KINDERGARTEN


def test_a_refusal_is_final_and_quotes_the_server(server: OverpassServer) -> None:
    server.script.append(Answer(400, b"<html><p><b>Error</b>: line 1: parse error</p></html>"))
    with pytest.raises(FetchError, match="HTTP 400: Error : line 1: parse error"):
        ask(server.url)
    assert len(server.asked) == 1


def test_a_server_that_drips_is_left_at_the_deadline(server: OverpassServer) -> None:
    server.script.append(Answer(body=b"x" * 200, how="drip"))
    start = time.monotonic()
    with pytest.raises(FetchError) as caught:
        ask(server.url, total_seconds=1)
    assert caught.value.key == "fetch.too_slow"
    assert time.monotonic() - start < 2


def test_a_server_that_was_left_is_hung_up_on(server: OverpassServer) -> None:
    server.script.append(Answer(body=b"x" * 2_000_000, how="drip"))
    before = set(threading.enumerate())
    with pytest.raises(FetchError):
        ask(server.url, total_seconds=0.3)
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=5)  # the whole body would take ten seconds
        assert not thread.is_alive()


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(FetchError, match=rf"127\.0\.0\.1:{port} .* 2 times .*refused"):
        ask(f"http://name:secret@127.0.0.1:{port}/api", tries=2)


def test_a_password_in_the_address_is_not_told(server: OverpassServer) -> None:
    server.script.extend([BUSY] * 9)
    told: list[str] = []
    with pytest.raises(FetchError) as caught:
        ask(server.url.replace("//", "//name:secret@"), progress=told.append)
    assert "secret" not in str(caught.value)
    assert "secret" not in "".join(told)


def test_an_answer_without_end_is_refused(server: OverpassServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_LARGEST_ANSWER", 100)
    with pytest.raises(FetchError) as caught:
        ask(server.url)
    assert caught.value.key == "fetch.too_large"
    assert len(server.asked) == 1


@pytest.mark.skipif(os.name == "nt", reason="a console signal that pytest cannot send to one process")
def test_ctrl_c_during_a_countdown_works_at_once() -> None:
    with serve(town(), script=[Answer(429, b"", {"Retry-After": "60"})]) as server:
        code = f"""
from lifecircle.sources.transport import Transport
tell = lambda line: print(line, flush=True)
ours = Transport(tries=4, total_seconds=900, cache_folder=None, lang="en", progress=tell)
ours.ask("GET", {server.url!r}, {{}}, bytes)
"""
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as run:
            assert run.stdout is not None
            for line in run.stdout:
                if b"in 60 s" in line:
                    break
            start = time.monotonic()
            run.send_signal(signal.SIGINT)
            _, errors = run.communicate(timeout=10)
    assert time.monotonic() - start < 2
    assert b"KeyboardInterrupt" in errors


# ---------------------------------------------------------------------- the cache


@pytest.mark.parametrize(
    "harm",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-20]),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(TIMED_OUT),
        lambda file: os.utime(file, (time.time() - 25 * 3600,) * 2),
    ],
    ids=["cut short", "empty", "with a remark", "a day old"],
)
def test_a_cache_file_that_is_no_good_is_a_miss_and_mended(
    server: OverpassServer, tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    assert ask(server.url, cache_folder=tmp_path) == KINDERGARTEN
    (file,) = tmp_path.iterdir()
    harm(file)
    assert ask(server.url, cache_folder=tmp_path) == KINDERGARTEN
    assert len(server.asked) == 2
    assert ask(server.url, cache_folder=tmp_path) == KINDERGARTEN
    assert len(server.asked) == 2


def test_what_a_killed_run_left_in_the_cache_goes_when_it_is_a_day_old(
    server: OverpassServer, tmp_path: Path
) -> None:
    for name in (".part-old", ".part-young", "others.json"):
        (tmp_path / name).touch()
    for name in (".part-old", "others.json"):
        os.utime(tmp_path / name, (time.time() - 25 * 3600,) * 2)
    ask(server.url, cache_folder=tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {".part-young", "others.json"} <= names
    assert len(names) == 3


def test_a_cache_that_cannot_be_written_is_told_and_not_fatal(server: OverpassServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told: list[str] = []
    assert ask(server.url, cache_folder=tmp_path / "file" / "cache", progress=told.append) == KINDERGARTEN
    assert ["cannot be kept" in line for line in told] == [True]


def test_runs_at_the_same_time_share_a_cache(server: OverpassServer, tmp_path: Path) -> None:
    answers: list[list[Element]] = []
    threads = [
        threading.Thread(
            target=lambda: answers.extend(ask(server.url, cache_folder=tmp_path) for _ in range(20))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [KINDERGARTEN] * 80
    assert len(list(tmp_path.iterdir())) == 1
    assert 1 <= len(server.asked) <= 4
