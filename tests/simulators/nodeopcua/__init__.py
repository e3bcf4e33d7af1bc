"""node-opcua's server, where it is installed: `npm install node-opcua-server` in a folder, and NODE_OPCUA names it."""

import asyncio
import base64
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from drivers.opcua.certificate import Certificate, certificates

SCRIPT = Path(__file__).with_name("server.js")


def missing() -> str | None:
    """Why it cannot be started here; nothing is ever downloaded by a test."""
    if shutil.which("node") is None:
        return "node is not installed"
    folder = os.environ.get("NODE_OPCUA")
    if folder is None or not (Path(folder) / "node_modules" / "node-opcua-server").is_dir():
        return "NODE_OPCUA names no folder in which `npm install node-opcua-server` was done"
    return None


@dataclass(frozen=True)
class NodeServer:
    """A running server with ``ns=1;s=counter``, ``flow`` and ``mode``."""

    process: Process
    url: str
    certificate: Certificate
    pki: Path

    def accept(self) -> None:
        """Trust whomever it has rejected, as a technician would in the server's folders."""
        for rejected in (self.pki / "rejected").iterdir():
            shutil.move(rejected, self.pki / "trusted" / "certs")


@asynccontextmanager
async def node_server(folder: Path, port: int) -> AsyncIterator[NodeServer]:
    """Serve until left; it makes a certificate of its own in *folder*, which takes seconds."""
    process = await asyncio.create_subprocess_exec(
        "node", str(SCRIPT), str(port), str(folder), "strict", stdin=PIPE, stdout=PIPE, stderr=DEVNULL
    )
    assert process.stdout is not None
    try:
        line = await process.stdout.readline()
        while line and not line.startswith(b"opc.tcp"):
            line = await process.stdout.readline()
        (certificate,) = certificates(base64.b64decode(await process.stdout.readline()))
        yield NodeServer(process, f"opc.tcp://127.0.0.1:{port}/works", certificate, folder)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
