"""The demo's broker: mosquitto where it is installed, else amqtt; both in a process of their own."""

import asyncio
import os
import pwd
import shutil
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent.demo.child import DemoError, child, last_words

READY = 30.0  # s a broker may take to listen
PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"  # where mosquitto is, and a user's PATH is not

# What we recommend for production, but for the open door: with its defaults mosquitto forgets acknowledged messages
# when it is killed.
MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1
log_dest stderr
log_type error
log_type warning
"""


def mosquitto() -> str | None:
    """Path of mosquitto, or None where it is not installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=PLACES)


@asynccontextmanager
async def broker(program: str | None, port: int, folder: Path) -> AsyncIterator[None]:
    """A broker at *port* of 127.0.0.1 that accepts connections; mosquitto at *program*, amqtt where that is None."""
    log = folder / "broker.log"
    command = _mosquitto_command(program, port, folder) if program else _amqtt_command(port)
    async with child(*command, log=log) as process:
        await _until_it_listens(process, port, log)
        yield


def _mosquitto_command(program: str, port: int, folder: Path) -> tuple[str, ...]:
    settings = MOSQUITTO.format(port=port, folder=folder)
    if os.geteuid() == 0:  # else it becomes a user who may not write here
        settings += f"user {pwd.getpwuid(0).pw_name}\n"
    config = folder / "mosquitto.conf"
    config.write_text(settings, encoding="utf-8")
    return program, "-c", str(config)


def _amqtt_command(port: int) -> tuple[str, ...]:
    return sys.executable, "-P", "-m", "agent.demo.embedded", str(port)


async def _until_it_listens(process: Process, port: int, log: Path) -> None:
    try:
        async with asyncio.timeout(READY):
            while not await _listens(port):
                if process.returncode is not None:
                    raise DemoError(f"the broker ended with status {process.returncode}:{last_words(log)}")
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise DemoError(f"the broker does not listen after {READY:.0f} s; its log is {log}") from None


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
