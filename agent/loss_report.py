"""What could not be kept or sent, as subscribers and `status` are told: by tag, reason and range of time."""

from collections.abc import Sequence

from agent.mqtt import payloads
from agent.store.losses import Loss

MOST = 200  # lines; a whole station that was lost several times has more, and a message has an end


def loss_report(station: str, losses: Sequence[Loss], now_ms: int) -> payloads.Losses:
    """The losses, most recent first, as they are published.

    Args:
        station: Its name.
        losses: Summed by tag and reason (`Reader.lost`).
        now_ms: When this is said.
    """
    return payloads.Losses(
        station=station,
        ts=now_ms,
        readings=sum(one.readings for one in losses),
        undelivered=sum(one.undelivered for one in losses),
        more=max(0, len(losses) - MOST),
        losses=tuple(map(_line, losses[:MOST])),
    )


def _line(loss: Loss) -> payloads.LossLine:
    return payloads.LossLine(
        tag=loss.tag or None,
        reason=loss.reason,
        first=loss.first_ms,
        last=loss.last_ms,
        readings=loss.readings,
        undelivered=loss.undelivered,
        example=loss.example,
    )
