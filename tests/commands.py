"""How is the command line run as a planner runs it: a process of its own, in a folder of its own?"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from test_read_city import EAST, WEST, write_layer, write_osm

import lifecircle
from lifecircle import cli

IMPORTED_FROM = Path(lifecircle.__file__).parents[1]


def small_city(folder: Path) -> list[str]:
    """Write a city of two streets, and return the words that have it analyzed."""
    folder.mkdir(parents=True, exist_ok=True)
    osm = write_osm(folder / "streets.osm")
    communities = folder / "communities.gpkg"
    write_layer(communities, [WEST, EAST])
    return ["analyze", "--osm", str(osm), "--communities", str(communities), "--lang", "en"]


def start(folder: Path, words: Sequence[str], **options: Any) -> "subprocess.Popen[str]":
    """Begin a command in `folder`, where its user's cities are too; `env` adds to its environment."""
    more = options.pop("env", {})
    env = {**os.environ, "PYTHONPATH": str(IMPORTED_FROM), "XDG_DATA_HOME": str(folder)}
    defaults: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(
        [sys.executable, "-m", "lifecircle", *words], cwd=folder, env=env | more, **(defaults | options)
    )


def run(folder: Path, words: Sequence[str], **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    with start(folder, words, **options) as process:
        out, err = process.communicate(timeout=300)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def messages(err: str) -> list[str]:
    """Return what was said beside the steps."""
    return [line for line in err.splitlines() if line and not line.startswith("[")]


def run_here(*words: str) -> int:
    """Run a command in this process, which is quicker, and return its exit code."""
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    assert isinstance(left.value.code, int)
    return left.value.code
