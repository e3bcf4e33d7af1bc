"""Cirrus Link's decoder in JavaScript: `npm install sparkplug-payload` in a folder, and NODE_SPARKPLUG names it."""

import asyncio
import json
import os
import shutil
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("decode.js")


def missing() -> str | None:
    """Why it cannot be used here; nothing is ever downloaded by a test."""
    if shutil.which("node") is None:
        return "node is not installed"
    folder = os.environ.get("NODE_SPARKPLUG")
    if folder is None or not (Path(folder) / "node_modules" / "sparkplug-payload").is_dir():
        return "NODE_SPARKPLUG names no folder in which `npm install sparkplug-payload` was done"
    return None


async def decoded(payloads: Sequence[bytes]) -> list[dict[str, Any]]:
    """What somebody else's decoder makes of *payloads*."""
    process = await asyncio.create_subprocess_exec("node", str(SCRIPT), stdin=PIPE, stdout=PIPE)
    out, _ = await process.communicate("".join(f"{payload.hex()}\n" for payload in payloads).encode())
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]
