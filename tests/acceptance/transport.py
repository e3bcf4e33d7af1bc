"""Criteria 1 and 2: every tag arrives at its period, judged rightly; every stored reading reaches a subscriber."""

import itertools
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from agent.configuration.config_file import load
from agent.store.reader import Reader
from agent.store.records import Row
from tests.acceptance.listener import Listener
from tests.acceptance.station import PUMP_AGENT, free_ports, prepare, replayed, running
from tests.benchmarks.poll_to_broker import peak_mb
from tests.simulators.broker import mosquitto

OUTAGE = 20.0  # s
MEMORY = 130  # MB
NO_SENSOR = 7  # temperature channels of the recording that answer 3276.7
PATIENCE = 60.0  # s for the rest to arrive

Check = Callable[[str, bool, str], None]


def check_transport(folder: Path, seconds: float, check: Check, outage: float = OUTAGE) -> list[Row]:
    """Run the agent on the replayed station for *seconds*, the broker killed in the middle; what was stored."""
    with mosquitto(folder / "broker") as broker:
        ports = free_ports(broker.port)
        path = prepare(folder, ports)
        with (
            replayed(ports, start=3000),
            Listener(broker.port, "water/real") as listener,
            running(PUMP_AGENT, "run", str(path)) as polling,
        ):
            time.sleep(seconds / 2)
            broker.kill()
            time.sleep(outage)
            broker.start()
            time.sleep(max(0.0, seconds / 2 - outage))
            with Reader(load(path).storage.path) as reader:
                rows = reader.after(0, 10_000_000)
            missing = _missing(rows, listener)
            memory = peak_mb(polling.pid)
    history = len(listener.streams["history"])
    check(
        "2 every stored reading reached a subscriber",
        not missing and history > 0,
        f"{len(rows)} stored, {len(missing)} missing, {history} by history after {outage:g} s of outage",
    )
    check("memory of the polling process, OPC UA included", memory <= MEMORY, f"{memory:.0f} MB (goal {MEMORY} MB)")
    check("2 in order per tag within each topic", listener.disorder() == 0, f"{listener.disorder()} out of order")
    return rows


def _missing(rows: list[Row], listener: Listener) -> set[tuple[object, ...]]:
    """What of *rows* does not reach the subscriber within a minute."""
    stored: set[tuple[object, ...]] = {(row.tag, row.ts_ms, row.value, row.quality) for row in rows}
    patience = time.monotonic() + PATIENCE
    while (missing := stored - listener.received()) and time.monotonic() < patience:
        time.sleep(0.5)
    return missing


def check_tags(rows: list[Row], seconds: float, check: Check) -> None:
    """Whether every tag came at its period and was judged rightly, each time."""
    by_tag: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_tag[row.tag].append(row)
    intervals = {tag: [b.ts_ms - a.ts_ms for a, b in itertools.pairwise(them)] for tag, them in by_tag.items()}
    median = {tag: statistics.median(them) for tag, them in intervals.items() if them}
    steady = [tag for tag, one in median.items() if 950 <= one <= 1050]
    fewest = min((len(them) for them in by_tag.values()), default=0)
    check(
        "1 251 of 251 tags arrive at 1 s",
        len(by_tag) == len(steady) == 251,
        f"{len(by_tag)} tags, {len(steady)} of them at 1 s; the rarest has {fewest} readings in {seconds:g} s",
    )
    bad = {row.tag: row.reason for row in rows if row.quality < 192}
    sensorless = {tag: reason for tag, reason in bad.items() if "temperature_" in tag and "no sensor" in (reason or "")}
    check(
        "1 channels without a sensor are bad and say so, everything else is good",
        len(sensorless) == NO_SENSOR and bad.keys() == sensorless.keys(),
        f"bad: {', '.join(f'{tag} ({reason})' for tag, reason in sorted(bad.items()))}",
    )
