"""How long does a whole process take, by the clock and on the processors, and how much does it hold?"""

import dataclasses
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Run:
    """One finished process."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    output: str


@dataclasses.dataclass(frozen=True)
class Runs:
    """Several runs of one command, in the order they were made."""

    runs: tuple[Run, ...]

    def median(self, figure: str) -> float:
        """Return the median of a figure, such as ``"wall_s"``."""
        return statistics.median(getattr(run, figure) for run in self.runs)


def run_once(words: Sequence[str], **environment: str) -> Run:
    """Run a command in an empty folder, ``{out}`` in its words standing for a folder within.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails.
    """
    folder = Path(tempfile.mkdtemp())
    try:
        with (folder / "output").open("wb") as output:
            started, before = time.perf_counter(), os.times()
            process = subprocess.Popen(
                [word.replace("{out}", str(folder / "out")) for word in words],
                cwd=folder,
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            _, status, used = os.wait4(process.pid, 0)
            wall, after = time.perf_counter() - started, os.times()
        process.returncode = os.waitstatus_to_exitcode(status)
        text = (folder / "output").read_text(encoding="utf-8", errors="replace")
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, list(words), text[-2000:])
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        return Run(wall, cpu, used.ru_maxrss / 1024, text)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def in_turn(commands: Mapping[str, Sequence[str]], rounds: int, **environment: str) -> dict[str, Runs]:
    """Run the commands A B C A B C …, so that all meet the same weather; a first round is not counted.

    A command that fails is left out from then on, and has no runs.
    """
    found: dict[str, list[Run]] = {name: [] for name in commands}
    failed = set()
    for number in range(rounds + 1):
        for name in [name for name in commands if name not in failed]:
            try:
                run = run_once(commands[name], **environment)
            except (subprocess.CalledProcessError, OSError) as error:
                failed.add(name)
                found[name].clear()
                print(f"{name}: {error}\n{getattr(error, 'output', '')}", file=sys.stderr)
                continue
            if number:
                found[name].append(run)
    return {name: Runs(tuple(runs)) for name, runs in found.items()}
