"""The station's last days as a historian would export them: a wide CSV at one row a minute."""

import csv
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from agent.demo.meters import DEAD, METERS, lagged, shown
from agent.demo.plant import DAY, State, initial, step

PERIOD = 60.0  # s
# The demo always begins at ten on the eighth day, when the shift that leads with the worn pump is on, whatever the
# clock on the wall says: everyone sees the same station.
BEGIN = 7 * DAY + 10 * 3600.0


def write_history(path: Path, end_ms: int, days: float, rng: Random) -> tuple[State, int]:
    """Let the station live for *days* up to *end_ms*; write what its meters showed.

    Returns:
        The station as it is at the end, and how many readings the file holds.
    """
    tags = [tag for tag in METERS if tag != DEAD]
    rows = round(days * DAY / PERIOD)
    state = initial(BEGIN - rows * PERIOD, rng)
    inside = lagged({}, state, 0.0)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["time", *tags])
        for row in range(rows):
            state = step(state, PERIOD, rng)
            inside = lagged(inside, state, PERIOD)
            values = shown(inside, rng)
            instant = datetime.fromtimestamp(end_ms / 1000.0 - (rows - 1 - row) * PERIOD, UTC)
            table.writerow([instant.isoformat(timespec="milliseconds"), *(values[tag] for tag in tags)])
    return state, rows * len(tags)
