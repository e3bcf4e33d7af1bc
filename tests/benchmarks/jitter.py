"""How steady polling is: 20 devices x 250 tags at 1 s, one of them dead and one slow; read from what was stored.

`python -m tests.benchmarks.jitter`. A device's jitter is how far the time between two of its polls is from 1 s. The
lag of the agent's event loop is measured inside its process meanwhile, by naps of 2 ms.
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
from tests.benchmarks.poll_to_broker import DEVICES, child, config
from tests.simulators.broker import mosquitto

SLOW = 0.7  # s an answer of the slow device takes; a poll asks it twice, so it is always late
GOAL = 50  # ms, p99 of the others, and of the loop's lag


def main() -> int:
    """Print the jitter of the healthy devices and the loop's lag, and what became of the other two; 1 if too much."""
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
        path = config(Path(folder), broker.port, ports, tag_topics=False)
        with child(sys.executable, "-m", "tests.benchmarks.naps", str(path)) as agent:
            time.sleep(args.seconds)
            agent.terminate()
            said, _ = agent.communicate(timeout=60)
        with Reader(Path(folder) / "bench.db") as reader:
            first = reader.last_id // 4  # the first quarter is starting up
            polls: dict[str, list[int]] = defaultdict(list)
            for row in reader.after(first, 10_000_000, [f"d{number}.r0" for number in range(DEVICES)]):
                polls[row.tag.split(".")[0]].append(row.ts_ms)
    healthy = [f"d{number}" for number in range(DEVICES - 2)]
    late = [abs(b - a - 1000) for device in healthy for a, b in pairwise(polls[device])]
    p99 = statistics.quantiles(late, n=100)[98]
    print(f"{len(healthy)} devices: jitter median {statistics.median(late):.0f} ms, p99 {p99:.0f} ms (goal {GOAL} ms)")
    middle, lag, worst = map(float, said.split())
    print(f"event-loop lag of the agent: p50 {middle:.1f} ms, p99 {lag:.1f} ms (goal {GOAL} ms), worst {worst:.1f} ms")
    print(f"the slow one was polled {len(polls[f'd{DEVICES - 2}'])} times, a healthy one {len(polls['d0'])} times")
    return 0 if max(p99, lag) < GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
