"""One process that polls, keeps, computes and publishes: everything is a task of one group."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from typing import Any

import uvloop

from agent.alarms.watch import Watch
from agent.compute import Queue, compute
from agent.health import Health
from agent.mqtt.publisher import publish
from agent.notify import notify
from agent.schedule import schedule
from agent.settings import AgentSettings
from agent.store.opening import prepare
from agent.store.writer import Store
from agent.supervisor import supervise
from agent.tasks import feed_watchdog, poll, report
from agent.worker import Worker

log = logging.getLogger(__name__)


async def run(settings: AgentSettings) -> None:
    """Work until cancelled.

    Everything worth keeping is on disk, so stopping is simply cancelling: nothing has to be
    flushed, and a power cut is an ordinary way to stop.
    """
    health = Health(settings, version("pump-agent"))
    await prepare(settings.storage.path)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store(settings.storage))
        worker = await stack.enter_async_context(Worker(settings))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        queue = Queue()
        watch = Watch(settings, store)
        for device in settings.devices:
            part = health.devices[device.name]
            work = partial(poll, device, store, part, health.store)
            tasks.create_task(supervise(part, work), name=device.name)
        tasks.create_task(supervise(health.broker, partial(publish, settings, store)), name="publisher")
        tasks.create_task(watch.follow(), name="alarms")
        tasks.create_task(compute(queue, settings.jobs, store, worker, health), name="jobs")
        tasks.create_task(report(health, store, health.store), name="health")
        tasks.create_task(feed_watchdog(health, store), name="watchdog")
        clockwork = await stack.enter_async_context(schedule(settings.jobs, queue.put))
        tasks.create_task(clockwork.watch(), name="clock")
        notify("READY=1")
        log.info("%s: polling %d devices", settings.station.name, len(settings.devices))
        await asyncio.Event().wait()


async def until_signalled(work: Coroutine[Any, Any, None]) -> None:
    """Await *work*; a signal cancels it, which counts as success."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(work, name="agent")
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def main(settings: AgentSettings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        StorageRefusedError: Another process writes the store, or a newer version has written it.
    """
    uvloop.run(until_signalled(run(settings)))
    notify("STOPPING=1")
