"""The endless tasks: poll a device, compute, report, and feed the watchdog."""

import logging
import time
from typing import NoReturn

from agent.clock.dating import Keeps
from agent.health import Health, Part, wall_ms
from agent.loss_report import loss_report
from agent.mqtt import payloads
from agent.news import News
from agent.notify import notify
from agent.store.errors import StorageError
from agent.store.reader import Reader
from agent.store.records import Record
from agent.store.retention import retain
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from agent.ticks import Ticks, WallTicks
from drivers.bus.buses import Buses
from drivers.reading import Driver, DriverError, Forewarned
from drivers.settings import AnyDeviceSettings, OpcuaSettings, UnitSettings

log = logging.getLogger(__name__)

REPORT_PERIOD = 10.0  # s
LOSSES_PERIOD = 30.0  # s
RETENTION_PERIOD = 600.0  # s
WATCHDOG_PERIOD = 5.0  # s; a third of systemd's patience at most
DISK_PERIOD = 1.0  # s
STORE_PATIENCE = 300.0  # s; a transaction that takes longer is a bug of ours, or a disk only a restart may free


def driver(settings: AnyDeviceSettings, buses: Buses | None = None) -> Driver:
    """The driver that speaks the device's protocol; its library is loaded only now.

    Args:
        settings: Of the device.
        buses: What devices on one line share; without, it has its line for itself.
    """
    match settings:
        case UnitSettings():
            from drivers.modbus import ModbusDriver  # noqa: PLC0415

            return ModbusDriver(settings, None if buses is None else buses.of(settings))
        case OpcuaSettings():
            from drivers.opcua.driver import OpcuaDriver  # noqa: PLC0415 - 48 MB, for those who have such a device

            return OpcuaDriver(settings)


async def poll(settings: AnyDeviceSettings, store: Keeps, part: Part, buses: Buses | None = None) -> NoReturn:
    """Read one device at its period and keep what it says, until it fails; it never waits for the disk.

    Raises:
        DriverError: The device is gone; its tags have been kept as bad. The supervisor opens it anew.
    """
    device, news = driver(settings, buses), News(settings)
    try:
        async with device:
            forewarned = device if isinstance(device, Forewarned) else None
            ticks = WallTicks(settings.period)
            async for tick in ticks:
                await store.offer(news.among(await device.read(tick), time.monotonic()))
                part.counts["skipped"] = ticks.skipped
                warning = forewarned.warning() if forewarned else None
                if part.well(warning):
                    log.log(logging.WARNING if warning else logging.INFO, "%s: %s", settings.name, warning or "answers")
    except DriverError as error:
        await store.offer(device.unavailable(wall_ms(), str(error)))
        raise
    raise AssertionError("ticks never end")


async def watch_disk(store: Store, part: Part) -> NoReturn:
    """Have the health report say how storing goes."""
    async for _ in Ticks(DISK_PERIOD):
        part.counts |= {"held": store.held, "lost": store.lost}
        if store.trouble:
            if part.trouble(str(store.trouble)):
                log.error("%s; values go out from memory meanwhile", store.trouble)
        elif store.complaints:
            part.trouble(next(iter(store.complaints.values())), "degraded")
        elif part.well() and part.error:
            log.info("the disk works, and what was held is stored")
    raise AssertionError("ticks never end")


async def report(health: Health, store: Store) -> NoReturn:
    """Keep the state of all parts every few seconds, for SCADA and `pump-agent status`."""
    async for _ in Ticks(REPORT_PERIOD):
        now_ms = wall_ms()
        health.backlog.see(store.owed(health.receivers), time.monotonic())
        try:
            await store.record([Record("health", "", now_ms, health.report(now_ms).encode())])
        except StorageError as error:
            health.storing("health").trouble(str(error))
        else:
            health.storing("health").well()
    raise AssertionError("ticks never end")


async def report_losses(station: str, store: Store) -> NoReturn:
    """Have subscribers told what could not be kept or sent, whenever there is more of it.

    Raises:
        StorageError: The disk does not say, or does not keep it.
    """
    said = await store.newest("losses")
    told = payloads.Losses.kept(said[0].body) if said else None
    async for _ in Ticks(LOSSES_PERIOD):
        found = loss_report(station, await store.read(Reader.lost), wall_ms())
        if told is None or found != told.model_copy(update={"ts": found.ts}):
            await store.record([Record("losses", "", found.ts, found.encode())])
            told = found
    raise AssertionError("ticks never end")


async def keep_within_bounds(settings: StorageSettings, store: Store, storage: Part, clock: Part) -> NoReturn:
    """Let the oldest readings go where the site's limits of age and size say so; of age only by a right clock."""
    async for _ in Ticks(RETENTION_PERIOD):
        try:
            if dropped := await retain(store, settings, wall_ms() if clock.state == "ok" else 0):
                storage.count("dropped", dropped)
                log.info("%d readings were older than keep_days or more than max_mb holds, and are gone", dropped)
        except StorageError as error:
            storage.trouble(str(error))
        else:
            storage.well()
    raise AssertionError("ticks never end")


async def feed_watchdog(health: Health, store: Store) -> NoReturn:
    """Tell systemd that the agent lives, while every device is tried and the store's thread answers.

    A dead device, a full disk or a slow one is no reason for a restart; a task that no longer goes round is.
    """
    async for _ in Ticks(WATCHDOG_PERIOD):
        if store.busy > STORE_PATIENCE:
            log.error("a transaction has taken %.0f s; systemd will restart the agent", store.busy)
        elif stuck := [part.name for part in health.devices.values() if part.is_stuck()]:
            log.error("%s: polling stands still; systemd will restart the agent", ", ".join(stuck))
        else:
            notify("WATCHDOG=1")
    raise AssertionError("ticks never end")
