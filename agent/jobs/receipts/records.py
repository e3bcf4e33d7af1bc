"""What was saved, as it is published: no finer than it is known."""

from math import isfinite
from typing import Any

from agent.jobs.job import JobContext
from agent.jobs.receipts.state import Count, End, Part, SavingState, Sum
from agent.mqtt.payloads import RecommendationEvent, Saving, SavingCount, SavingDay, SavingSum
from agent.settings import AgentSettings
from agent.store.records import Record
from analytics.dispatch.reasons import decimals

_ENDED: dict[End, str] = {
    "horizon": "It was counted for as long as one advice is.",
    "rejected": "It was rejected.",
    "replaced": "Another advice is followed.",
    "left": "The pumps are run otherwise.",
    "removed": "Its header is no longer configured.",
}


class Entry(RecommendationEvent):
    """An entry of the journal that is to be kept."""

    def record(self, key: str) -> Record:
        """As the store keeps it."""
        return Record("recommendation_event", key, self.ts, self.encode())


def saving_record(context: JobContext, kept: SavingState) -> Record:
    """Everything that was saved: by advice, by day, and in all."""
    settings = context.settings
    counts = [(header, each.count) for header, each in kept.headers.items() if each.count is not None]
    total = kept.total or Sum(min((count.since_ms for _, count in counts), default=context.now_ms))
    days = {day.begin_ms: day for day in kept.days}
    for _, count in counts:
        total = total.plus(count.whole)
        if count.day_ms:
            days[count.day_ms] = days.get(count.day_ms, Sum(count.day_ms)).plus(count.day)
    body = Saving(
        station=settings.station.name,
        ts=context.now_ms,
        until=kept.until_ms or context.now_ms,
        since=total.begin_ms if total.hours or total.withheld else None,
        counting=tuple(_counting(settings, header, count) for header, count in counts),
        days=tuple(SavingDay(ts=begin_ms, **figures(settings, days[begin_ms])) for begin_ms in sorted(days)),
        total=SavingSum(**figures(settings, total)),
        currency=settings.tariff.currency if settings.tariff.is_priced else None,
    )
    return Record("saving", "", context.now_ms, body.encode())


def followed(context: JobContext, header: str, count: Count) -> Entry:
    """The entry of an advice that the pumps run by."""
    return _entry(context, header, count, "followed", "The pumps run as advised.", {})


def verified(context: JobContext, header: str, count: Count, end: End) -> Entry:
    """The entry of what an advice has come to."""
    told = figures(context.settings, _of(count))
    if "saving_kwh" in told:
        tally = count.whole.tally
        told["measured_saving_kw"] = _rounded(tally.kwh / tally.hours, tally.std / tally.hours)
        told["measured_uncertainty_kw"] = _rounded(tally.std / tally.hours, tally.std / tally.hours)
        told["currency"] = context.settings.tariff.currency if context.settings.tariff.is_priced else None
    return _entry(
        context, header, count, "verified", " ".join(filter(None, [_ENDED[end], _withheld(count.whole)])), told
    )


def figures(settings: AgentSettings, found: Sum) -> dict[str, Any]:
    """The keys of a sum; without hours that were counted nothing is claimed."""
    told: dict[str, Any] = {"hours": round(found.hours, 2), "withheld_hours": round(found.withheld, 2)}
    if not found.hours:
        return told
    kwh, std = found.baseline_kwh - found.measured_kwh, found.std
    told |= {
        "baseline_kwh": _rounded(found.baseline_kwh, std),
        "measured_kwh": _rounded(found.measured_kwh, std),
        "saving_kwh": _rounded(kwh, std),
        "saving_uncertainty_kwh": _rounded(std, std),
    }
    if settings.tariff.is_priced:
        told |= {
            "saved_money": _rounded(found.money, found.money_std),
            "saved_money_uncertainty": _rounded(found.money_std, found.money_std),
        }
    if (factor := settings.tariff.co2_factor) is not None:
        told |= {
            "saved_co2_kg": _rounded(factor * kwh, factor * std),
            "saved_co2_uncertainty_kg": _rounded(factor * std, factor * std),
        }
    return told


def _counting(settings: AgentSettings, header: str, count: Count) -> SavingCount:
    why = _withheld(count.whole)
    return SavingCount(id=count.offer.id, header=header, since=count.since_ms, why=why, **figures(settings, _of(count)))


def _of(count: Count) -> Sum:
    return Sum(count.since_ms).plus(count.whole)


def _entry(  # noqa: PLR0917 - what happened, to what, and where
    context: JobContext, header: str, count: Count, event: Any, why: str, told: dict[str, Any]
) -> Entry:
    return Entry(
        id=count.offer.id,
        ts=context.now_ms,
        station=context.settings.station.name,
        header=header,
        event=event,
        since=count.since_ms,
        why=why,
        saving_kw=count.offer.saving_kw,
        saving_uncertainty_kw=count.offer.saving_std,
        **told,
    )


def _withheld(part: Part) -> str | None:
    """For how long nothing is claimed, and why for the most part."""
    if not part.reasons:
        return None
    why, _ = max(part.reasons.items(), key=lambda one: one[1])
    return f"Nothing is claimed for {60 * part.withheld:.0f} min: {why}."


def _rounded(value: float, std: float) -> float:
    """With as many digits as the first two of *std*."""
    found = round(value, decimals(std) + 1) if isfinite(std) and std > 0 else float(f"{value:.4g}")
    return found + 0.0  # no -0.0
