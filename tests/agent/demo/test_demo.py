"""The whole product, started as a newcomer does. Slow, because hours of history are lived through and imported."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


@contextmanager
def demo(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`pump-agent demo` in *folder*, killed if it is still there afterwards."""
    command = [sys.executable, "-m", "agent", "demo", *options]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def processes_in(folder: Path) -> list[str]:
    """Command lines of every process that works in *folder*: the demo's children inherit it."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it has ended meanwhile, or is a zombie
            continue
    return found


def test_a_demo_ends_by_itself_and_says_what_it_has_come_to(tmp_path: Path) -> None:
    """One JSON object that counts every tag, and no process left; the agent tells each 10 s what was acknowledged."""
    with demo(tmp_path, "--for", "35s", "--json") as process:
        output, said = process.communicate()

    assert process.returncode == 0, said
    summary = json.loads(output)
    assert summary["tags_polled"] == 29
    assert summary["seconds_to_first_value"] > 0.0
    assert summary["readings_received"] >= 29
    assert summary["readings_stored"] >= summary["readings_received"]
    assert summary["readings_imported"] > 200_000
    assert summary["messages_acknowledged"] >= 29
    assert "Traceback" not in said
    assert processes_in(tmp_path) == []


@pytest.mark.parametrize(
    ("log", "word", "number"),
    [("agent.log", "polling", signal.SIGINT), ("import.log", "", signal.SIGTERM)],
    ids=["ctrl-c while it runs", "sigterm while it imports"],
)
def test_a_signal_ends_everything(tmp_path: Path, log: str, word: str, number: signal.Signals) -> None:
    """Ctrl-C is the usual end of a demo: no process left, no traceback shown, and it counts as success."""
    with demo(tmp_path) as process:
        wait_for(tmp_path / "var" / "demo" / log, word, process)
        started = len(processes_in(tmp_path))
        os.kill(process.pid, number)
        output, said = process.communicate()

    assert started >= 2  # the demo and at least one child
    assert process.returncode == 0
    assert "Traceback" not in output + said + (tmp_path / "var" / "demo" / log).read_text()
    assert processes_in(tmp_path) == []


def test_what_is_not_installed_is_said_in_one_sentence(tmp_path: Path) -> None:
    """A site's environment has no rich; a traceback would not say what to install."""
    without_rich = (
        "import sys; sys.modules['rich'] = None; from agent.cli import main; sys.exit(main(['demo', '--for', '1s']))"
    )

    done = subprocess.run(
        [sys.executable, "-c", without_rich], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr == "the demo needs rich; install with: pip install 'pump-agent[opcua,demo]'\n"


def wait_for(log: Path, word: str, process: subprocess.Popen[str]) -> None:
    """Return when *word* stands in *log*."""
    while not (log.exists() and word in log.read_text()):
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.05)
