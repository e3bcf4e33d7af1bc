"""Disks that can be filled, and go read-only: small file systems of their own, where the tests may mount."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

BLOCK = 4_096


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A tmpfs of that size at *folder*; skips the test where mounting is not allowed."""
    folder.mkdir()
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    except (subprocess.CalledProcessError, FileNotFoundError):
        folder.rmdir()
        pytest.skip("a small file system cannot be mounted here; run as root on Linux")
    try:
        yield folder
    finally:
        _run("umount", "--lazy", str(folder))
        folder.rmdir()


def fill(folder: Path) -> Path:
    """Take every free block of the file system that holds *folder*; the file that does it."""
    filler = folder / "filler"
    with suppress(OSError), filler.open("ab") as file:  # closing writes what is left, and fails too
        while True:
            file.write(os.urandom(BLOCK) * 16)
            file.flush()
    with suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(BLOCK))
    return filler


def free(folder: Path) -> int:
    """Bytes that are free."""
    return shutil.disk_usage(folder).free


class FailingDisk:
    """An ext4 file system in a file, which turns read-only when it is told of an error, as with a dying card."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.folder = folder
        self._image = image

    def mount(self, options: str = "rw") -> None:
        """Have it at its folder."""
        _run("mount", "-o", f"loop,errors=remount-ro,{options}", str(self._image), str(self.folder))

    def unmount(self) -> None:
        """Take it away, even from under open files."""
        _run("umount", "--lazy", str(self.folder))

    def fail(self) -> None:
        """Have the file system find an error: it is read-only from now on."""
        words = ["findmnt", "-no", "SOURCE", str(self.folder)]
        loop = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
        Path(f"/sys/fs/ext4/{Path(loop).name}/trigger_fs_error").write_text("1")

    def freeze(self) -> None:
        """Have whoever writes wait, as behind a card that is erasing or a storage server that is away."""
        _run("fsfreeze", "--freeze", str(self.folder))

    def thaw(self) -> None:
        """Let writing go on where it stood."""
        _run("fsfreeze", "--unfreeze", str(self.folder))

    def mend(self) -> None:
        """What a person does: check it and mount it again; open files stay on what was there before."""
        self.unmount()
        subprocess.run(["e2fsck", "-fy", str(self._image)], check=False, capture_output=True)  # noqa: S607 - 1: mended
        self.mount()


@contextmanager
def failing_disk(folder: Path, megabytes: int) -> Iterator[FailingDisk]:
    """Such a disk at *folder*; skips the test where it cannot be mounted."""
    image = folder.with_name(folder.name + ".img")
    folder.mkdir()
    disk = FailingDisk(image, folder)
    try:
        with image.open("wb") as file:
            file.truncate(megabytes * 2**20)
        _run("mkfs.ext4", "-q", str(image))
        disk.mount()
    except (subprocess.CalledProcessError, FileNotFoundError):
        image.unlink()
        folder.rmdir()
        pytest.skip("a file system in a file cannot be mounted here; run as root on Linux with mkfs.ext4")
    try:
        yield disk
    finally:
        disk.unmount()
        image.unlink()
        folder.rmdir()
