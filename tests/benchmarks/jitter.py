"""How steady polling is: 20 devices x 250 tags at 1 s, one of them dead and one slow; read from what was stored.

`python -m tests.benchmarks.jitter`. A device's jitter is how far the time between two of its polls is from 1 s.
"""

import argparse
import socket
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from agent.store.reader import Reader
from tests.benchmarks.poll_to_broker import DEVICES, child, command
from tests.simulators.broker import mosquitto

SLOW = 0.7  # s an answer of the slow device takes; a poll asks it twice, so it is always late
GOAL = 50  # ms, p99 of the others


def main() -> None:
    """Print the jitter of the healthy devices, and what became of the other two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        mosquitto(Path(folder) / "broker") as broker,
        child(sys.executable, "-m", "tests.benchmarks.devices", str(DEVICES - 1), str(SLOW)) as devices,
        closing(socket.create_server(("127.0.0.1", 0))) as dead,  # takes connections and never answers
    ):
        assert devices.stdout is not None
        ports = [int(port) for port in devices.stdout.readline().split()]
        ports.append(dead.getsockname()[1])
        with child(*command("agent", Path(folder), broker.port, ports)[0]):
            time.sleep(args.seconds)
        with Reader(Path(folder) / "bench.db") as reader:
            first = reader.last_id // 4  # the first quarter is starting up
            polls: dict[str, list[int]] = defaultdict(list)
            for row in reader.after(first, 10_000_000, [f"d{number}.r0" for number in range(DEVICES)]):
                polls[row.tag.split(".")[0]].append(row.ts_ms)
    healthy = [f"d{number}" for number in range(DEVICES - 2)]
    late = [abs(b - a - 1000) for device in healthy for a, b in pairwise(polls[device])]
    p99 = statistics.quantiles(late, n=100)[98]
    print(f"{len(healthy)} devices: jitter median {statistics.median(late):.0f} ms, p99 {p99:.0f} ms (goal {GOAL} ms)")
    print(f"the slow one was polled {len(polls[f'd{DEVICES - 2}'])} times, a healthy one {len(polls['d0'])} times")


if __name__ == "__main__":
    main()
