"""The configuration that ships, as a text that tests may spoil."""

from pathlib import Path
from shutil import copytree

CONFIG = Path(__file__).parents[2] / "config"
TEXT = (CONFIG / "station.toml").read_text(encoding="utf-8")


def spoilt(folder: Path, right: str, wrong: str) -> tuple[Path, int]:
    """The reference with one passage replaced, in a folder with all it needs.

    Returns:
        The file, and the line the wrong passage begins on.
    """
    assert TEXT.count(right) == 1, f"{right!r} must stand once in the reference"
    copytree(CONFIG, folder, dirs_exist_ok=True)
    path = folder / "station.toml"
    path.write_text(TEXT.replace(right, wrong), encoding="utf-8")
    return path, TEXT.count("\n", 0, TEXT.index(right)) + 1
