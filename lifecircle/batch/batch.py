"""How does a batch run: alone in its folder, city by city, and what stands there at the end?"""

import contextlib
import dataclasses
import datetime as dt
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import platformdirs

from lifecircle import __version__
from lifecircle.batch.processes import in_turn
from lifecircle.batch.store import files_here, is_address, put_file, under
from lifecircle.batch.task import Outcome, Task, as_record, as_units, measure
from lifecircle.batch.work import Lost, Runner
from lifecircle.errors import FileError
from lifecircle.render.folder import added_files, digest_of, digests, listed_files
from lifecircle.render.index_map import draw_index
from lifecircle.render.map_page import save_map
from lifecircle.render.summary import summary_table, write_summary_workbook
from lifecircle.render.tables import write_csv
from lifecircle.staging import alone_in

_RECORD = "batch.json"
BATCH_FILES = ("index.html", "summary.csv", "summary.xlsx", _RECORD)
"""What a batch writes beside the folders of its cities."""


@dataclasses.dataclass(frozen=True)
class BatchResult:
    """What became of a batch.

    Attributes
    ----------
    outcomes
        One per task, in the order of the tasks.
    files
        Where `BATCH_FILES` stand, by their names.
    """

    outcomes: tuple[Outcome, ...]
    files: dict[str, str]


def run_batch(
    tasks: Sequence[Task],
    out: str,
    *,
    run: Runner = in_turn,
    lang: str = "en",
    progress: Callable[[Outcome, int], None] | None = None,
) -> BatchResult:
    """Measure cities, and merge what they found.

    Parameters
    ----------
    tasks
        What `lifecircle.batch.plan.tasks_of` returns, at least one.
    out
        The folder, absolute, or the address, of all of them.
    run
        Who does the work.
    lang
        Language of the table and the map of all.
    progress
        Called with every outcome, and how many there are by then.

    Returns
    -------
    BatchResult

    Raises
    ------
    FileError
        If another batch is at work there; if there is something already and the tasks neither resume nor
        overwrite; or if one of `BATCH_FILES` was changed since a batch wrote it.
    LifecircleError
        As the runner. What is wrong with a city is an outcome, and stops nothing.
    """
    with _alone(out):
        _check_free(tasks[0], out)
        outcomes: dict[Task, Outcome] = {}
        whole, cut = [task for task in tasks if not task.cut], [task for task in tasks if task.cut]
        with contextlib.closing(run(measure, whole, cut)) as done:  # whoever is stopped stops its workers too
            for task, result in done:
                outcome = Outcome(task, "failed", result.message()) if isinstance(result, Lost) else result
                outcomes[task] = outcome
                if progress is not None:
                    progress(outcome, len(outcomes))
        ordered = tuple(outcomes[task] for task in tasks)
        return BatchResult(ordered, _write(ordered, out, lang))


@contextlib.contextmanager
def _alone(out: str) -> Iterator[None]:
    """Keep other batches out; of what lies behind an address, only those of this computer."""
    folder = Path(out)
    if is_address(out):
        name = hashlib.sha256(out.encode()).hexdigest()[:16]
        folder = platformdirs.user_cache_path("lifecircle", appauthor=False) / "batches" / name
    with contextlib.ExitStack() as held:
        try:
            alone = held.enter_context(alone_in(folder))
        except OSError as error:
            raise FileError("report.not_writable", folder=out, cause=error.strerror or error) from error
        if not alone:
            raise FileError("batch.at_work", folder=out)
        yield


def _check_free(task: Task, out: str) -> None:
    """Refuse a folder whose content nobody asked to go on with or to replace, or that a planner changed."""
    with files_here(out, BATCH_FILES) as folder:
        if not (task.resume or task.overwrite) and any(
            path.name in BATCH_FILES or not path.name.startswith(".") for path in folder.iterdir()
        ):
            raise FileError("batch.folder_used", folder=out)
        written = [listed_files(folder / _RECORD, key) or {} for key in ("files", "before")]
        for name in BATCH_FILES:
            if name != _RECORD and (folder / name).exists():
                known = [listed[name] for listed in written if name in listed]
                if digest_of(folder / name) not in known:
                    raise FileError("report.edited" if known else "report.stranger", folder=out, name=name)


def _write(outcomes: Sequence[Outcome], out: str, lang: str) -> dict[str, str]:
    """Write what all cities found together.

    The record comes first, and lists too what stood there before: whoever is killed between leaves files that
    the next batch knows for ours.
    """
    units = as_units(outcomes)
    with files_here(out, [_RECORD]) as folder:
        before = listed_files(folder / _RECORD)
    with _fresh(out) as fresh:
        write_csv(summary_table(units, lang), fresh / "summary.csv")
        write_summary_workbook(units, fresh / "summary.xlsx", lang=lang)
        save_map(draw_index(units, lang=lang), fresh / "index.html")
        record = {
            "lifecircle": __version__,
            "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "units": [as_record(outcome) for outcome in outcomes],
            "files": digests(fresh),
            "before": before or {},
        }
        text = json.dumps(record, ensure_ascii=False, indent=2, allow_nan=False)
        (fresh / _RECORD).write_text(text + "\n", encoding="utf-8", newline="\n")
    return {name: under(out, name) for name in BATCH_FILES}


@contextlib.contextmanager
def _fresh(out: str) -> Iterator[Path]:
    """Give an empty folder whose files come to stand in the folder of the batch when the block ends well."""
    if not is_address(out):
        with added_files(out, overwrite=True) as fresh:
            yield fresh
        return
    with tempfile.TemporaryDirectory(prefix="lifecircle-") as passing:
        yield Path(passing)
        for name in sorted(BATCH_FILES):  # the record first, as in a folder here
            put_file(Path(passing, name), under(out, name))
