"""`pump-agent overhaul`: a pump was overhauled, so its wear is counted anew; kept whether the agent runs or not."""

import asyncio
import getpass
import sys
import time
from argparse import Namespace

from agent.cli import MENDABLE
from agent.commands.asking import NotDoneError, ask, request_of
from agent.configuration.config_file import load
from agent.mqtt.client import BrokerError
from agent.mqtt.instant import rfc3339
from agent.mqtt.plant_commands import check_overhaul, keep_overhaul
from agent.settings import AgentSettings
from agent.store.errors import StorageError, StorageRefusedError
from agent.store.opening import prepare
from agent.store.writer import Store


def run(args: Namespace) -> int:
    """Write it down, or let the agent do so that has the store."""
    settings = load(args.config)
    at_ms = time.time_ns() // 1_000_000 if args.at is None else round(1_000 * args.at.timestamp())
    try:
        check_overhaul(settings, args.pump, at_ms, args.user or getpass.getuser(), args.note)
        asyncio.run(_kept(settings, args, at_ms))
    except (NotDoneError, BrokerError, StorageError, LookupError) as error:
        print(error, file=sys.stderr)
        return MENDABLE
    print(f"{args.pump}: its wear is counted anew from {rfc3339(at_ms)}")
    return 0


async def _kept(settings: AgentSettings, args: Namespace, at_ms: int) -> None:
    try:
        await prepare(settings.storage.path)
        async with Store(settings.storage) as store:
            await keep_overhaul(store, settings, args.pump, at_ms, args.user or getpass.getuser(), args.note)
    except StorageRefusedError:  # the agent runs, and only it writes
        request = request_of(settings, args.config, args.user) | {"pump": args.pump, "at": rfc3339(at_ms)}
        result = await ask(settings, "overhaul", request | ({} if args.note is None else {"comment": args.note}))
        if result.error is not None:
            raise NotDoneError(result.error) from None
