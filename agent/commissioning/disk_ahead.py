"""How much a day a configuration will write, before it has written anything (pure)."""

from agent.settings import AgentSettings
from agent.store.disk import SEALED_BYTES, DiskUse
from agent.tasks import REPORT_PERIOD

DAY = 86_400.0  # s
# Bytes of a record in the store, as the simulated station wrote them; its row and place in the index are in them.
STATION, PUMP = 650, 550  # each time states are worked out
RECOMMENDATION = 1_450  # of a header
CURVE, CURVES_A_DAY = 2_300, 24  # of a pump; it is fitted anew when something new was learnt
HEALTH, HEALTH_OF_A_DEVICE = 1_500, 150
QUALITY, QUALITY_OF_A_TAG = 400, 190
ROLLED = 23_000  # of a tag a day: its minutes, quarters of an hour and hours; measured by tests.benchmarks.week


def disk_ahead(settings: AgentSettings, readings_a_day: float) -> DiskUse:
    """What an empty store will take in.

    Args:
        settings: The station's.
        readings_a_day: Of all tags at their periods.
    """
    tags = sum(len(device.tags) for device in settings.devices)
    return DiskUse(
        bytes=0,
        file_bytes=0,
        hot_readings=0,
        sealed_readings=0,
        waiting_readings=0,
        sealed_bytes=SEALED_BYTES,
        readings_a_day=readings_a_day,
        record_bytes_a_day=_records(settings, tags),
        rollup_bytes_a_day=ROLLED * tags if settings.jobs.rollup.enabled else 0.0,
    )


def _records(settings: AgentSettings, tags: int) -> float:
    """Bytes a day; alarms and events are too few to count."""
    jobs, pumps = settings.jobs, len(settings.pumps)
    found = (HEALTH + HEALTH_OF_A_DEVICE * len(settings.devices)) * DAY / REPORT_PERIOD
    if jobs.quality.enabled:
        found += (QUALITY + QUALITY_OF_A_TAG * tags) * DAY / jobs.quality.report
    if jobs.running.enabled and pumps:
        found += (STATION + PUMP * pumps) * DAY / jobs.running.period
    if jobs.curves.enabled:
        found += CURVE * CURVES_A_DAY * pumps
    if jobs.dispatch.enabled:
        found += RECOMMENDATION * len({pump.header for pump in settings.pumps}) * DAY / jobs.dispatch.period
    return found
