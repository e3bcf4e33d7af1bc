"""A real mosquitto that can be killed, frozen and restarted on its port."""

import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

STARTED_WITHIN = 30.0  # s
TRIES = 5  # another process may take the free port before mosquitto does


class BrokerDidNotStartError(RuntimeError):
    """Mosquitto ended instead of listening."""


class Broker:
    """One mosquitto, with its files in *folder*.

    Args:
        folder: Where configuration and persistence lie.
        port: On 127.0.0.1; kept over restarts.
        options: Further lines of its configuration.
    """

    host = "127.0.0.1"

    def __init__(self, folder: Path, port: int, options: tuple[str, ...]) -> None:
        self.port = port
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            "\n".join(
                (
                    f"listener {port} {self.host}",
                    "user root",  # mosquitto started by root would become a user who may not read our files
                    "persistence true",
                    f"persistence_location {folder}/",
                    "autosave_interval 1",  # a PUBACK is durable only with these two
                    "autosave_on_changes true",
                    "log_dest stderr",
                    "log_type error",
                    "log_type warning",
                    "log_type notice",
                    "log_type information",
                    "log_type subscribe",
                    *options,
                    "",
                )
            )
        )

    def start(self) -> None:
        """Serve; returns when connections are accepted.

        Raises:
            BrokerDidNotStartError: It ended at once.
        """
        self.lines: list[str] = []  # what it has logged
        self._has_ended = False
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [program(), "-c", str(self._config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._log = threading.Thread(target=self._read_log, daemon=True)
        self._log.start()
        if not self.wait_for_line(" running", STARTED_WITHIN):
            self.kill()
            raise BrokerDidNotStartError("; ".join(self.lines))

    def wait_for_line(self, text: str, timeout: float = 10.0) -> bool:
        """Wait until it has logged *text*; false where it ended first, or *timeout* (s) passed."""
        with self._news:
            return self._news.wait_for(lambda: self.has_logged(text) or self._has_ended, timeout) and (
                self.has_logged(text)
            )

    def has_logged(self, text: str) -> bool:
        """Whether a line with *text* was logged since the last start."""
        return any(text in line for line in self.lines)

    def _read_log(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self.lines.append(line.strip())
                self._news.notify_all()
        with self._news:
            self._has_ended = True
            self._news.notify_all()

    def kill(self) -> None:
        """Kill it with SIGKILL, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it politely."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(number)
        self._process.wait()
        self._log.join()
        if self._process.stdout:
            self._process.stdout.close()

    def freeze(self) -> None:
        """Stop answering while the kernel keeps the connections, as a half-open link does."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Answer again."""
        self._process.send_signal(signal.SIGCONT)


def program() -> str:
    """Mosquitto's path; skips the test where it is not installed."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("mosquitto is not installed (Debian: apt-get install mosquitto)")
    return found


@contextmanager
def mosquitto(
    folder: Path,
    *,
    acl: str | None = None,
    login: tuple[str, str] | None = None,
    options: tuple[str, ...] = (),
) -> Iterator[Broker]:
    """Run mosquitto on a free port.

    Args:
        folder: For its files; one broker a folder.
        acl: Content of its ACL file; everything is allowed where absent.
        login: The only user and password it lets in; everybody may come where absent.
        options: Further lines of mosquitto.conf; who may come is theirs to say where they say it.
    """
    program()
    folder.mkdir(exist_ok=True)
    lines = [*options]
    if not any(line.startswith("allow_anonymous") for line in options):
        lines += _login(folder, login)
    if acl is not None:
        (folder / "acl").write_text(acl)
        (folder / "acl").chmod(0o600)
        lines.append(f"acl_file {folder}/acl")
    broker = _started(folder, tuple(lines))
    try:
        yield broker
    finally:
        broker.kill()


def _login(folder: Path, login: tuple[str, str] | None) -> list[str]:
    if login is None:
        return ["allow_anonymous true"]
    passwords = folder / "passwords"
    passwords.write_text(":".join(login) + "\n")
    passwords.chmod(0o600)
    hasher = shutil.which("mosquitto_passwd")
    assert hasher is not None
    subprocess.run([hasher, "-U", str(passwords)], check=True)
    return ["allow_anonymous false", f"password_file {passwords}"]


def _started(folder: Path, options: tuple[str, ...]) -> Broker:
    for left in reversed(range(TRIES)):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port: int = probe.getsockname()[1]
        broker = Broker(folder, port, options)
        try:
            broker.start()
        except BrokerDidNotStartError:
            if not left:
                raise
        else:
            return broker
    raise AssertionError
