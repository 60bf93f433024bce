"""Do some seconds of bytes bred for new paths end in nothing but words for the user? See `by_hand`."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has wheels for Linux on x86-64"
)
def test_bred_bytes(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    seconds = 3600 if request.config.getoption("--long", default=False) else 8
    seeds = shutil.copytree(HERE / "corpus", tmp_path / "seeds")
    (tmp_path / "new").mkdir()
    done = subprocess.run(
        [sys.executable, HERE / "by_hand.py", f"-max_total_time={seconds}", "-seed=1", "-rss_limit_mb=4000",
         tmp_path / "new", seeds],
        cwd=tmp_path, env={"PYTHONPATH": str(HERE.parents[1])}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Done" in done.stderr
