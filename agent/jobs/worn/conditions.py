"""What the wear job's last word means as conditions of pumps and headers."""

from collections.abc import Mapping
from typing import Final

from agent.jobs.job import JobContext
from agent.mqtt.payloads import Wear
from analytics.conditions.sight import Kind, Suspicion

SHARED: Final[tuple[tuple[Kind, str], ...]] = (("head_sensor_drift", "head_sensor"), ("flow_meter_drift", "flow_meter"))
OLD_MS = 2 * 86_400_000  # after which its word is not known to hold any more


def worn(context: JobContext) -> Mapping[Suspicion, bool]:
    """Of each pump and header of which there is a word: whether it is so."""
    headers = {pump.id: pump.header for pump in context.settings.pumps}
    found: dict[Suspicion, bool] = {}
    for record in context.reader.newest("wear"):
        if record.key not in headers or context.now_ms - record.ts_ms > OLD_MS:
            continue
        said = Wear.kept(record.body)
        if said.kind is None or said.stale:
            continue
        header = headers[record.key]
        found[Suspicion("wear", record.key)] = said.kind == "wear"
        found[Suspicion("sudden_loss", record.key)] = said.kind == "step"
        found[Suspicion("power_meter_drift", record.key)] = said.kind == "power_meter"
        for kind, meter in SHARED:
            shared = Suspicion(kind, header)
            found[shared] = found.get(shared, False) or said.kind == meter
    return found
