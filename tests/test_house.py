"""The house itself: lint, types, the two arrows, and the size of its rooms."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("agent", "drivers", "analytics")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
BIN = Path(sys.executable).parent


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)


def test_ruff_finds_nothing() -> None:
    result = run("ruff", "check", ".")

    assert result.returncode == 0, result.stdout


def test_the_formatter_would_change_nothing() -> None:
    result = run("ruff", "format", "--check", ".")

    assert result.returncode == 0, result.stdout


@pytest.mark.timeout(300)
def test_types_hold_strictly() -> None:
    """Takes its time on a cold cache: the types of numpy, scipy and pandas are large."""
    result = run("mypy")

    assert result.returncode == 0, result.stdout


def test_the_two_arrows_hold() -> None:
    """Agent → drivers, agent → analytics, and nothing else."""
    result = run("lint-imports", "--no-cache")

    assert result.returncode == 0, result.stdout


def test_analytics_does_no_io_and_reads_no_clock() -> None:
    """The instant is an argument, so that an analysis of last year is that of last year."""
    forbidden = {
        "asyncio",
        "datetime",
        "io",
        "logging",
        "os",
        "pathlib",
        "random",
        "socket",
        "sqlite3",
        "subprocess",
        "time",
    }
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in SOURCES
        if path.is_relative_to(ROOT / "analytics")
        for name in _imports(path)
        if name.split(".")[0] in forbidden
    ]

    assert found == []


def test_polling_imports_nothing_heavy() -> None:
    """90 MB is what the polling process may use; OPC UA is loaded only where a device speaks it."""
    code = (
        "import sys, agent.main; "
        "print(*sorted({'pandas', 'sklearn', 'scipy', 'numpy', 'sqlite_utils', 'asyncua'} & set(sys.modules)))"
    )
    result = run("python", "-c", code)

    assert (result.stdout.strip(), result.stderr) == ("", "")


def test_no_test_reaches_into_what_it_tests() -> None:
    """Where one wants to, a seam is missing: the parts are real, and what differs is given to them."""
    patched = re.compile("monkey" + "patch|unittest[.]mock|Magic" + "Mock", re.IGNORECASE)
    found = [str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*.py") if patched.search(path.read_text())]

    assert found == []


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.lock")), ids=lambda lock: lock.name)
def test_every_locked_version_has_hashes_and_no_address(lock: Path) -> None:
    """Whoever installs chooses the registry; what comes from it is what we tested."""
    text = lock.read_text()
    pinned = re.findall(r"^[a-z0-9][^\s;]*==\S+.*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)

    assert len(pinned) > 20
    assert [one.split("==")[0] for one in pinned if "--hash=sha256:" not in one] == []
    assert "://" not in text


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_one_noun_in_300_lines_and_a_function_one_thing_in_40(path: Path) -> None:
    text = path.read_text()
    long = [
        f"{node.name} at line {node.lineno}: {size} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (size := _statement_lines(node)) > 40
    ]

    assert long == []
    assert len(text.splitlines()) <= 300


def _statement_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its signature and docstring: those are for the reader."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def _imports(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import():
                names += [alias.name for alias in node.names]
            case ast.ImportFrom():
                names.append(node.module or "")
    return names
