"""What the documents say can be done, can be done."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.cli import parser
from agent.configuration.config_file import load

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

CALL = re.compile(r"(sudo (-u \S+ )?)?(\.venv/bin/)?pump-agent ")


def blocks(page: Path, language: str) -> list[str]:
    """Fenced blocks of *page* in *language*."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_station_in_the_readme_is_a_whole_configuration(tmp_path: Path) -> None:
    """A newcomer pastes it; it names a tag file, which is one line a tag."""
    (example,) = blocks(ROOT / "README.md", "toml")
    path = tmp_path / "station.toml"
    path.write_text(example)
    names = ("main.pressure", "main.flow", "p1.frequency", "p1.power")
    units = ("bar", "m3/h", "Hz", "kW")
    rows = [f"{name},holding:{2 * n},float32,{unit}" for n, (name, unit) in enumerate(zip(names, units, strict=True))]
    (tmp_path / "plc-1.csv").write_text("\n".join(["name,address,type,unit", *rows]))

    settings = load(path)

    assert [tag.name for device in settings.devices for tag in device.tags] == list(names)


def commands(page: Path) -> list[list[str]]:
    """What *page* calls `pump-agent` with: whole lines of shell blocks, and spans of code in the text."""
    lines = "\n".join(blocks(page, "sh")).splitlines()
    spans = re.findall(r"`(pump-agent [^`]+)`", page.read_text())
    calls = [(text, call) for text in lines + spans if (call := CALL.match(text))]
    return [shlex.split(text[call.end() :], comments=True) for text, call in calls]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_one_that_the_command_line_takes(page: Path) -> None:
    """With these options and arguments; a name alone must be that of a command."""
    known = parser().format_help()
    for words in commands(page):
        if len(words) == 1:
            assert re.search(rf"^\s+{words[0]}\s", known, re.MULTILINE), words
        else:
            parser().parse_args(words)  # ends the test with a sentence where it does not


def test_the_readme_shows_every_command() -> None:
    shown = {words[0] for words in commands(ROOT / "README.md")}
    known = set(re.findall(r"^    ([a-z][a-z-]+) ", parser().format_help(), re.MULTILINE))

    assert known - shown == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    make = shutil.which("make") or "make"
    targets = set(re.findall(r"make ([a-z][a-z-]+)", "\n".join(blocks(page, "sh"))))
    targets |= set(re.findall(r"`make ([a-z][a-z-]+)", page.read_text()))
    for target in sorted(targets):
        command = [make, "--dry-run", "--always-make", target]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

        assert result.returncode == 0, f"make {target}: {result.stderr}"


def test_no_two_commands_of_the_examples_have_one_id() -> None:
    """Whoever tries one after the other would be answered from memory, and the second would never be done."""
    commands = (ROOT / "docs" / "mqtt.md").read_text().partition("## Commands")[2].partition("cmd/result")[0]
    ids = re.findall(r'\{"id": "([^"]+)", "expires"', commands)

    assert len(ids) > 10
    assert len(set(ids)) == len(ids)
