"""The station's last hours as a historian would export them: a wide CSV at the period of polling."""

import csv
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from agent.demo.meters import DEAD, METERS, lagged, shown
from agent.demo.plant import DAY, State, initial, step

# The demo always begins at ten to ten, when the worn pump leads, whatever the clock on the wall says: everyone
# sees the same station. The turn has lasted long enough for every pump to be free to start or stop.
BEGIN = 7 * DAY + 9.5 * 3600.0 + 1200.0  # s


def write_history(path: Path, end_ms: int, hours: float, period: float, rng: Random) -> tuple[State, int]:
    """Let the station live for *hours* up to *end_ms*; write what its meters showed, every *period* s.

    Returns:
        The station as it is at the end, and how many readings the file holds.
    """
    tags = [tag for tag in METERS if tag != DEAD]
    rows = round(hours * 3600.0 / period)
    state = initial(BEGIN - rows * period, rng)
    inside = lagged({}, state, 0.0)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["time", *tags])
        for row in range(rows):
            state = step(state, period, rng)
            inside = lagged(inside, state, period)
            values = shown(inside, rng)
            instant = datetime.fromtimestamp(end_ms / 1000.0 - (rows - 1 - row) * period, UTC)
            table.writerow([instant.isoformat(timespec="milliseconds"), *(values[tag] for tag in tags)])
    return state, rows * len(tags)
