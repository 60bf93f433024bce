"""Does the package keep from what would run data as code, or start programs?"""

import ast
from pathlib import Path

import pytest

import lifecircle

PACKAGE = Path(lifecircle.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
RUNS_DATA = {"eval", "exec", "compile", "__import__", "breakpoint", "input"}
LOADS_CODE = {
    "pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "code",
    "codeop",
    "runpy",
    "xmlrpc",
}
STARTS_PROGRAMS = {"subprocess", "pty", "pexpect"}
CALLS = {"system", "popen", "read_pickle", "to_pickle", "query", "import_string", "literal_eval"}


def faults_in(source: str) -> list[str]:
    """Return what of the above a module does."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [
                name.name for name in node.names if name.name.split(".")[0] in LOADS_CODE | STARTS_PROGRAMS
            ]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module] if node.module.split(".")[0] in LOADS_CODE | STARTS_PROGRAMS else []
        elif isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in RUNS_DATA:
                found.append(called.id)
            if isinstance(called, ast.Attribute):
                on = called.value.id if isinstance(called.value, ast.Name) else ""
                if called.attr in CALLS - {"query"} or (
                    called.attr in {"eval", "query"} and on in {"df", "frame"}
                ):
                    found.append(called.attr)
            for word in node.keywords:
                value = word.value
                if word.arg in {"allow_pickle", "shell"} and not (
                    isinstance(value, ast.Constant) and value.value is False
                ):
                    found.append(str(word.arg))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_runs_no_data_and_starts_no_program(path: Path) -> None:
    assert faults_in(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    ["import pickle", "from pickle import load", "eval(x)", "numpy.load(f, allow_pickle=True)",
     "import subprocess as s", "os.system(x)", "run(x, shell=True)", "frame.eval(x)"],
)  # fmt: skip
def test_the_search_can_fail(source: str) -> None:
    assert faults_in(source)


def test_arrays_are_loaded_without_objects() -> None:
    loads = [
        node
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "load"
        and isinstance(node.func.value, ast.Name) and node.func.value.id == "np"
    ]  # fmt: skip
    assert loads
    assert all("allow_pickle" in [word.arg for word in node.keywords] for node in loads)
