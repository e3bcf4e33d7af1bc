"""What the saving job leaves for itself: advice that may be followed, what is being counted, and what was saved."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agent.jobs.memory import JobMemory
from agent.mqtt.payloads import RecommendationEvent
from analytics.dispatch.followed import is_followed
from analytics.dispatch.measured import Errors, Tally

FOLLOWED_BY = 3  # cells one after the other in which the pumps run as advised
LEFT_MS = 300_000  # that they run otherwise before the advice counts as left
GRACE_MS = 300_000  # in which advice that was withdrawn may still be on its way
MOST_DAYS = 31

Speeds = Mapping[str, float]
End = Literal["horizon", "rejected", "replaced", "left", "removed"]


@dataclass(slots=True)
class Offer:
    """A change that was advised."""

    id: str
    issued_ms: int
    former: dict[str, float]  # relative speeds of the pumps that ran then
    proposed: dict[str, float]
    void_ms: int  # when it can no longer be begun to be followed
    saving_kw: float | None = None  # as expected
    saving_std: float | None = None


@dataclass(slots=True)
class Sum:
    """What was saved in a time, by one advice after another."""

    begin_ms: int
    hours: float = 0.0
    withheld: float = 0.0  # h
    baseline_kwh: float = 0.0
    measured_kwh: float = 0.0
    std: float = 0.0  # kWh
    money: float = 0.0
    money_std: float = 0.0
    errors: Errors = field(default_factory=Errors)  # kWh; nothing in sums of before they were kept
    money_errors: Errors = field(default_factory=Errors)

    def plus(self, part: "Part") -> "Sum":
        """Together with a part that is still being counted, or has been."""
        tally = part.tally
        errors = _of_sum(self.errors, self.std).plus(tally.errors)
        money_errors = _of_sum(self.money_errors, self.money_std).plus(tally.money_errors)
        return Sum(
            self.begin_ms,
            self.hours + tally.hours,
            self.withheld + part.withheld,
            self.baseline_kwh + tally.baseline_kwh,
            self.measured_kwh + tally.measured_kwh,
            errors.std,
            self.money + tally.money,
            money_errors.std,
            errors,
            money_errors,
        )


def _of_sum(errors: Errors, std: float) -> Errors:
    """Those of a sum, also of one of which only the standard deviation was kept."""
    return errors if errors.spread else Errors(noise=std**2)


@dataclass(slots=True)
class Part:
    """What one advice has saved in a time."""

    tally: Tally = field(default_factory=Tally)
    reasons: dict[str, float] = field(default_factory=dict)  # hours for which nothing is claimed, by why

    @property
    def withheld(self) -> float:
        """Hours."""
        return sum(self.reasons.values())

    def withhold(self, why: str, hours: float) -> None:
        """Claim nothing for *hours*."""
        self.reasons[why] = self.reasons.get(why, 0.0) + hours


@dataclass(slots=True)
class Count:
    """An advice that is followed, and what it has saved so far."""

    offer: Offer
    since_ms: int
    seen_ms: int  # when the pumps were last seen to run as advised
    model: dict[str, Any] | None  # of the station when it began; what is measured afterwards does not move its baseline
    rejected_ms: int | None = None
    whole: Part = field(default_factory=Part)
    day_ms: int = 0  # midnight before `day`
    day: Part = field(default_factory=Part)  # the same of the day that is still open

    def end(self, at_ms: int, speeds: Speeds | None, drives: Collection[str], horizon_ms: int) -> End | None:
        """Why it is no longer counted from *at_ms* on, with the pumps at *speeds*; None: it is."""
        if at_ms - self.since_ms >= horizon_ms:
            return "horizon"
        if self.rejected_ms is not None and at_ms >= self.rejected_ms:
            return "rejected"
        if speeds is None:
            return None
        if is_followed(self.offer.former, self.offer.proposed, speeds, drives):
            self.seen_ms = at_ms
            return None
        return "left" if at_ms - self.seen_ms >= LEFT_MS else None


@dataclass(slots=True)
class HeaderSaving:
    """A header's advice."""

    offers: list[Offer] = field(default_factory=list)  # oldest first
    streak: int = 0  # cells in which the newest has been followed
    streak_id: str = ""
    streak_ms: int = 0  # when they began
    count: Count | None = None

    def hear(self, said: RecommendationEvent) -> None:
        """Take in what became of an advice."""
        if said.event == "issued" and said.former and said.proposed and said.expires:
            for offer in self.offers:
                offer.void_ms = min(offer.void_ms, said.ts)
            expected = said.saving_kw, said.saving_uncertainty_kw
            self.offers.append(Offer(said.id, said.ts, said.former, said.proposed, said.expires, *expected))
        elif said.event == "withdrawn" or (said.event == "accepted" and said.user is None):
            self.renew(said.id, said.ts + GRACE_MS)
        elif said.event == "expired" and said.expires:
            self.renew(said.id, said.expires)
        elif said.event == "rejected":
            self.offers = [offer for offer in self.offers if offer.id != said.id]
            if self.count is not None and self.count.offer.id == said.id and self.count.rejected_ms is None:
                self.count.rejected_ms = said.ts

    def renew(self, name: str, until_ms: int) -> None:
        """Let an advice hold until another time than was said when it was issued; never beyond a newer one's issue."""
        for place, offer in enumerate(self.offers):
            if offer.id == name:
                offer.void_ms = min([until_ms, *(later.issued_ms for later in self.offers[place + 1 :])])

    def begun(self, at_ms: int, speeds: Speeds | None, drives: Collection[str]) -> Offer | None:
        """The advice that has now been followed for long enough to say so; it is no longer on offer."""
        self.offers = [each for each in self.offers if at_ms < each.void_ms or each.id == self.streak_id]
        offer = next((each for each in reversed(self.offers) if each.issued_ms <= at_ms), None)
        if speeds is None or offer is None:
            return None
        if not is_followed(offer.former, offer.proposed, speeds, drives):
            self.streak, self.streak_id = 0, ""
            return None
        if self.streak_id != offer.id:
            self.streak, self.streak_id, self.streak_ms = 0, offer.id, at_ms
        self.streak += 1
        if self.streak < FOLLOWED_BY:
            return None
        self.offers = [each for each in self.offers if each.issued_ms > offer.issued_ms]
        self.streak, self.streak_id = 0, ""
        return offer


@dataclass(slots=True)
class SavingState:
    """What the job leaves for itself."""

    version: int = 1
    heard: int = 0  # id of the last record of the journal that was taken in
    until_ms: int = 0  # cells up to here are counted
    headers: dict[str, HeaderSaving] = field(default_factory=dict)
    days: list[Sum] = field(default_factory=list)  # oldest first, of advice that has ended or a day that has
    total: Sum | None = None  # of advice that has ended

    def end(self, count: Count) -> None:
        """Put what an advice has saved to the total."""
        self.close(count)
        self.total = (self.total or Sum(count.since_ms)).plus(count.whole)

    def close(self, count: Count) -> None:
        """Put what was counted of an open day to the others."""
        before = next((day for day in self.days if day.begin_ms == count.day_ms), Sum(count.day_ms))
        others = [day for day in self.days if day.begin_ms != count.day_ms]
        if count.day_ms:
            self.days = sorted([*others, before.plus(count.day)], key=lambda day: day.begin_ms)[-MOST_DAYS:]
            for day in self.days[:-2]:  # over, but for a run that catches up; draws are large
                day.errors, day.money_errors = Errors(), Errors()
        count.day = Part()


MEMORY = JobMemory(SavingState)
