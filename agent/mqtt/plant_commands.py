"""What operators tell of the plant: an overhaul, kept as a record that the analyses read."""

from collections.abc import Mapping

from agent.configuration.mistakes import did_you_mean
from agent.health import wall_ms
from agent.mqtt.commands import Handler
from agent.mqtt.instant import LATEST_MS, rfc3339
from agent.mqtt.payloads import Overhaul, TellOverhaul
from agent.mqtt.payloads.command import MOST_COMMENT, MOST_TEXT
from agent.settings import AgentSettings
from agent.store.records import Record
from agent.store.writer import Store


def plant_handlers(store: Store, settings: AgentSettings) -> Mapping[str, Handler]:
    """The command `overhaul`."""

    async def overhaul(command: TellOverhaul) -> None:
        at_ms = wall_ms() if command.at is None else command.at
        await keep_overhaul(store, settings, command.pump, at_ms, command.user, command.comment)

    return {"overhaul": overhaul}


async def keep_overhaul(  # noqa: PLR0917 - which pump, when, who, and why
    store: Store, settings: AgentSettings, pump: str, at_ms: int, user: str, note: str | None
) -> None:
    """Write down that a pump was overhauled.

    Raises:
        LookupError: It cannot be so, or a later one is kept; the message is for the operator.
        StorageError: The disk refuses.
    """
    check_overhaul(settings, pump, at_ms, user, note)
    kept = await store.newest("overhaul", pump)
    if kept and at_ms < kept[0].ts_ms:
        raise LookupError(
            f"{pump}: an overhaul at {rfc3339(kept[0].ts_ms)} is kept, and its wear is counted from there"
        )
    said = Overhaul(pump=pump, ts=at_ms, user=user, note=note)
    await store.record([Record("overhaul", pump, at_ms, said.encode())])


def check_overhaul(settings: AgentSettings, pump: str, at_ms: int, user: str, note: str | None) -> None:
    """See whether it can be so.

    Raises:
        LookupError: There is no such pump, the instant is not one of the past, or there is too much text.
    """
    pumps = [one.id for one in settings.pumps]
    if pump not in pumps:
        raise LookupError(f"there is no pump {pump[:80]!r}{did_you_mean(pump, pumps) or ''}")
    if at_ms <= 0:
        raise LookupError("an overhaul before 1970 cannot be kept; give the day when it was done")
    if at_ms > wall_ms():
        raise LookupError(f"{rfc3339(min(at_ms, LATEST_MS))} has not come yet; tell an overhaul when it is done")
    if not 0 < len(user) <= MOST_TEXT or len(note or "") > MOST_COMMENT:
        raise LookupError(f"a user has 1 to {MOST_TEXT} characters, and a note at most {MOST_COMMENT}; shorten it")
