"""What an operator answers to advice: accepted or rejected, kept in the journal."""

from collections.abc import Mapping

from agent.health import wall_ms
from agent.mqtt.commands import Handler
from agent.mqtt.instant import rfc3339
from agent.mqtt.payloads import Accept, Recommendation, RecommendationEvent, Reject
from agent.store.records import Record
from agent.store.writer import Store


def advice_handlers(store: Store) -> Mapping[str, Handler]:
    """The commands `accept` and `reject`, which only write down what an operator has decided."""

    async def accept(command: Accept) -> None:
        await _note(store, command, "accepted")

    async def reject(command: Reject) -> None:
        await _note(store, command, "rejected")

    return {"accept": accept, "reject": reject}


async def _note(store: Store, command: Accept | Reject, event: str) -> None:
    now_ms = wall_ms()
    key, advice = await _present(store, command.recommendation)
    if advice.expires <= now_ms:
        raise LookupError(f"recommendation {advice.id} has expired at {rfc3339(advice.expires)}")
    entry = RecommendationEvent(
        id=advice.id,
        ts=now_ms,
        station=advice.station,
        event=event,
        user=command.user,
        why=command.comment,
        saving_kw=advice.saving_kw,
        saving_uncertainty_kw=advice.saving_uncertainty_kw,
    )
    await store.record([Record("recommendation_event", key, now_ms, entry.encode())])


async def _present(store: Store, name: str) -> tuple[str, Recommendation]:
    """The advice of that id, if it is the present one, and the key it is kept under."""
    for record in await store.newest("recommendation"):
        if record.body and (advice := Recommendation.kept(record.body)).id == name:
            return record.key, advice
    raise LookupError(f"{name!r} is not the present recommendation")
