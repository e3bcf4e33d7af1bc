"""What was lost is told to subscribers: by tag, reason and time; and so is what they will still get."""

import asyncio
from contextlib import suppress
from pathlib import Path

from agent.loss_report import MOST, loss_report
from agent.mqtt.payloads import Losses
from agent.progress import Progress
from agent.store.losses import Loss
from agent.tasks import report_losses
from drivers.reading import Reading
from tests.agent.mqtt.station import publishing, station, store_of
from tests.simulators.broker import mosquitto
from tests.simulators.subscriber import subscriber


async def test_what_could_not_be_kept_is_published(tmp_path: Path) -> None:
    """A NaN from a broken converter is quarantined: SCADA learns that it is missing, of which tag, and when."""
    with mosquitto(tmp_path / "broker") as broker:
        settings = station(broker, tmp_path)
        async with (
            subscriber(broker.port, "water/#") as scada,
            store_of(settings) as store,
            publishing(settings, store),
        ):
            await store.append([Reading("flow", 1_000, float("nan"), 192), Reading("flow", 2_000, 1.0, 192)])
            task = asyncio.create_task(report_losses("east", store))
            (message,) = await scada.on_topic("water/east/losses")
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    found = Losses.model_validate_json(message.payload)
    assert (found.readings, found.undelivered) == (1, 1)
    assert [(one.tag, one.first, one.last, one.readings) for one in found.losses] == [("flow", 1_000, 1_000, 1)]
    assert "nan" in found.losses[0].reason


def test_a_long_report_is_cut_and_says_so() -> None:
    """The broker has a limit of a message; the sums still count everything."""
    losses = [Loss(f"t{number}", "dropped by retention", 0, 9, 10, 1) for number in range(MOST + 5)]

    found = loss_report("east", losses, 1)

    assert (len(found.losses), found.more, found.readings, found.undelivered) == (MOST, 5, 10 * MOST + 50, MOST + 5)


def test_a_backlog_says_when_it_ends() -> None:
    """10,000 readings that become 5,000 in 10 s take another 10 s; while it grows nobody knows an end."""
    progress = Progress()
    progress.see(4_000, 0.0)
    progress.see(10_000, 10.0)
    growing = progress.report(0)
    progress.see(5_000, 20.0)
    shrinking = progress.report(1_000)

    assert (growing.behind, growing.rate, growing.until) == (10_000, 0.0, None)
    assert (shrinking.behind, shrinking.rate, shrinking.until) == (5_000, 500.0, 11_000)
