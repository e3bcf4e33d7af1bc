"""Poll to broker, 20 devices x 250 tags at 1 s: the agent beside a bare loop of the same libraries, in turn.

`make bench`. CPU is user + system of the process from /proc, over a window after a warm-up; what arrives is counted
by a subscriber of its own. The figure to quote is the ratio, the median of the rounds.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from agent.jobs.settings import JobsSettings
from tests.simulators.broker import mosquitto

DEVICES, REGISTERS = 20, 250
CONTENDERS = ("bare loop", "agent", "agent with a topic a tag")
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Result:
    """One contender in one round."""

    readings: int  # that arrived in the window
    cpu: float  # s, in the window
    memory_mb: float  # peak resident

    @property
    def cpu_per_100k(self) -> float:
        """Seconds of CPU for 100,000 readings."""
        return self.cpu / self.readings * 100_000


class Counter:
    """A subscriber that counts readings."""

    def __init__(self, port: int, topic: str) -> None:
        self.readings = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_message = self._count
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _count(self, _client: object, _user: object, message: mqtt.MQTTMessage) -> None:
        self.readings += int(orjson.loads(message.payload)["count"])

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def child(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A child process that is gone at the end."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def cpu(pid: int) -> float:
    """User and system seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def peak_mb(pid: int) -> float:
    """Highest resident memory of a process so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measure(command: list[str], topic: str, broker: int, warmup: float, window: float) -> Result:
    """Run one contender until it has worked for *warmup* and *window* seconds."""
    counter = Counter(broker, topic)
    with child(*command) as process:
        patience = time.monotonic() + 60
        while counter.readings == 0:
            if process.poll() is not None or time.monotonic() > patience:
                sys.exit(f"no reading came from: {' '.join(command)}")
            time.sleep(0.1)
        time.sleep(warmup)
        before, busy = counter.readings, cpu(process.pid)
        time.sleep(window)
        result = Result(counter.readings - before, cpu(process.pid) - busy, peak_mb(process.pid))
    counter.close()
    return result


def config(folder: Path, broker: int, ports: list[int], *, tag_topics: bool) -> Path:
    """The agent's configuration for the devices on *ports*; no analyses, as the bare loop has none."""
    lines = ['[station]\nname = "bench"', f"[mqtt]\nport = {broker}\ntag_topics = {str(tag_topics).lower()}"]
    lines += [f'[storage]\npath = "{folder / "bench.db"}"', "[jobs]"]
    lines += [f"{job} = {{ period = 60, enabled = false }}" for job in JobsSettings.model_fields if job != "memory_mb"]
    for number, port in enumerate(ports):
        lines.append(f'[[device]]\nname = "d{number}"\nprotocol = "modbus-tcp"\nhost = "127.0.0.1"\nport = {port}')
        lines += [
            f'[[device.tag]]\nname = "d{number}.r{register}"\naddress = "holding:{register}"'
            for register in range(REGISTERS)
        ]
    path = folder / "bench.toml"
    path.write_text("\n".join(lines))
    return path


def command(name: str, folder: Path, broker: int, ports: list[int]) -> tuple[list[str], str]:
    """How a contender is started, and the topic its readings come on."""
    if name == "bare loop":
        numbers = [str(number) for number in (broker, REGISTERS, *ports)]
        return [sys.executable, "-m", "tests.benchmarks.bare_loop", str(folder / "bare.db"), *numbers], "bare/readings"
    path = config(folder, broker, ports, tag_topics="topic" in name)
    return [str(Path(sys.executable).parent / "pump-agent"), "run", str(path)], "water/bench/readings"


def main() -> None:
    """Print one line a round and contender, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warmup", type=float, default=5)
    parser.add_argument("--window", type=float, default=20)
    args = parser.parse_args()
    results: dict[str, list[Result]] = {name: [] for name in CONTENDERS}
    with ExitStack() as stack:
        devices = stack.enter_context(child(sys.executable, "-m", "tests.benchmarks.devices", str(DEVICES)))
        assert devices.stdout is not None
        ports = [int(port) for port in devices.stdout.readline().split()]
        broker = stack.enter_context(mosquitto(Path(stack.enter_context(tempfile.TemporaryDirectory())))).port
        for name in CONTENDERS * args.rounds:
            with tempfile.TemporaryDirectory() as folder:
                result = measure(*command(name, Path(folder), broker, ports), broker, args.warmup, args.window)
            results[name].append(result)
            rate = result.readings / args.window
            print(f"{name:26} {rate:6.0f} readings/s, {result.cpu_per_100k:6.3f} s CPU per 100,000", flush=True)
    summarise(results)


def summarise(results: dict[str, list[Result]]) -> None:
    """Print each contender's median and its ratio to the bare loop, round by round."""
    bare = results["bare loop"]
    print(f"\nmedians of {len(bare)} rounds, {DEVICES} devices x {REGISTERS} tags at 1 s, per 100,000 readings:")
    for name, rounds in results.items():
        ratio = statistics.median(mine.cpu_per_100k / its.cpu_per_100k for mine, its in zip(rounds, bare, strict=True))
        seconds = statistics.median(one.cpu_per_100k for one in rounds)
        memory = max(one.memory_mb for one in rounds)
        print(f"{name:26} {seconds:6.3f} s CPU, {ratio:4.2f} of the bare loop, at most {memory:.0f} MB")


if __name__ == "__main__":
    main()
