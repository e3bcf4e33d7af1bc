"""What a demo has come to: counted in the store and by a subscriber, as far as they can know."""

from dataclasses import dataclass

from agent.demo.picture import Message, Picture
from agent.demo.show import Show
from agent.jobs.gaps import restored
from agent.store.reader import Reader

EVER_MS = 2**53  # later than any reading


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one demo."""

    tags_polled: int  # with at least one reading in a message
    readings_stored: int  # while the agent ran
    readings_imported: int  # before
    readings_received: int  # by the subscriber
    messages_acknowledged: int  # by the broker, as the agent says in its health
    gaps_filled: int  # stretches in which a tag was silent
    values_filled: int  # in them
    curves_fitted: int
    recommendation: Message
    alarms_raised: int
    seconds_to_first_value: float | None  # from the agent's start
    seconds_to_first_recommendation: float | None
    broker: str
    notes: tuple[str, ...]


def summary(show: Show) -> Summary:
    """Look back at a demo whose agent has ended."""
    picture, settings = show.picture, show.place.settings
    tags = [tag.name for device in settings.devices for tag in device.tags]
    with Reader(settings.storage.path) as reader:
        stored = reader.last_id - show.imported
        values = len(reader.filled(tags, 0, EVER_MS))
        gaps = restored(reader.job_state("gaps")[1]).counts["gaps_filled"]
    return Summary(
        tags_polled=len(picture.polled),
        readings_stored=stored,
        readings_imported=show.imported,
        readings_received=picture.readings,
        messages_acknowledged=picture.health.get("broker", {}).get("counts", {}).get("messages", 0),
        gaps_filled=gaps,
        values_filled=values,
        curves_fitted=_curves(picture),
        recommendation=picture.recommendation,
        alarms_raised=picture.raised,
        seconds_to_first_value=_since(show.began, picture.first_value),
        seconds_to_first_recommendation=_since(show.began, picture.first_recommendation),
        broker="mosquitto" if show.place.mosquitto else "amqtt",
        notes=show.place.notes,
    )


def _curves(picture: Picture) -> int:
    """Pumps whose head and power curves are known; a message may also say why there is none."""
    return sum(bool(curve.get("head_coefficients")) for curve in picture.curves.values())


def _since(start: float | None, instant: float | None) -> float | None:
    return None if start is None or instant is None else round(instant - start, 2)
