"""How late the event loop is: a task that sleeps 2 ms again and again, and notes by how much it wakes late.

`python -m tests.benchmarks.naps CONFIG` runs the agent with such a task beside it, until SIGTERM; then it prints the
lags in ms: at p50, at p99, and the worst, without the first quarter of them, while it starts.
"""

import asyncio
import gc
import statistics
import sys
import time
from pathlib import Path
from typing import NoReturn

import uvloop

from agent.configuration.config_file import load
from agent.main import GARBAGE, until_signalled
from agent.settings import AgentSettings

NAP = 0.002  # s


async def nap(lags: list[float]) -> NoReturn:
    """Sleep, and note by how many ms too long."""
    while True:
        due = time.monotonic() + NAP
        await asyncio.sleep(NAP)
        lags.append(1000 * (time.monotonic() - due))


async def _beside(path: Path, settings: AgentSettings) -> list[float]:
    lags: list[float] = []
    napping = asyncio.create_task(nap(lags))
    await until_signalled(path, settings)
    napping.cancel()
    return lags[len(lags) // 4 :]


def main(path: Path) -> None:
    """The agent as `agent.main` starts it, and the naps."""
    settings = load(path)
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    lags = uvloop.run(_beside(path, settings))
    cuts = statistics.quantiles(lags, n=100)
    print(f"{cuts[49]:.2f} {cuts[98]:.2f} {max(lags):.2f}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
