"""The report on a station's data: shares, findings with their reasons, and what contradicts itself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.jobs.judged.rules import usual_rules
from agent.mqtt.payloads import CrossCheck, FlagWord, Quality, TagFinding, TagQuality
from agent.roles import Tag, known_tags
from agent.settings import AgentSettings
from analytics.quality.tally import Tally
from analytics.quality.verdict import DOUBTFUL, INVALID, UNTIMELY, Finding, Flag, shares
from analytics.quality.votes import Verdict, suspect
from analytics.quality.watch import Rules, Watch

MOST_REASONS = 5  # a tag's most frequent ones are told
_REMEMBERED = 50  # of them between two reports
_WORST_FIRST = (Flag.FAIL, Flag.MISSING, Flag.SUSPECT)


@dataclass(slots=True)
class Judged:
    """What was found in a tag's readings since the last report."""

    expected: float = 0.0  # readings: from the last one before to the last one, and what was due since
    filled: int = 0  # values
    tally: Tally = field(default_factory=Tally)
    reasons: dict[str, int] = field(default_factory=dict)  # of readings that are not good, and how many

    def take_in(self, tally: Tally, reasons: Sequence[str]) -> None:
        """Add what a portion had."""
        self.tally.join(tally)
        for reason, count in Counter(reasons).items() if reasons else ():
            if reason in self.reasons or len(self.reasons) < _REMEMBERED:
                self.reasons[reason] = self.reasons.get(reason, 0) + count


@dataclass(slots=True)
class Contradiction:
    """What a cross-check said last, as the job keeps it."""

    check: str
    tags: tuple[str, ...]
    agrees: bool
    reason: str
    value: float | None
    limit: float | None
    is_certain: bool
    weight: float
    ts_ms: int

    @classmethod
    def of(cls, verdict: Verdict, ts_ms: int) -> "Contradiction":
        """A verdict of an instant."""
        return cls(
            verdict.check,
            verdict.tags,
            bool(verdict.agrees),
            verdict.reason,
            verdict.value,
            verdict.limit,
            verdict.is_certain,
            verdict.weight,
            ts_ms,
        )

    @property
    def verdict(self) -> Verdict:
        """As it was said."""
        return Verdict(
            self.check, self.tags, self.agrees, self.reason, self.value, self.limit, self.is_certain, self.weight
        )


def report(
    settings: AgentSettings,
    judged: Mapping[str, Judged],
    watches: Mapping[str, Watch],
    said: Sequence[Contradiction],
    window: tuple[int, int],
) -> Quality:
    """The report of a window, start and end in ms; each share of the station is the mean of its tags'."""
    rules = usual_rules(settings)
    tags = [
        _of_tag(tag, judged.get(name) or Judged(), watches[name], rules[name])
        for name, tag in known_tags(settings).items()
    ]
    verdicts = [one.verdict for one in said]
    return Quality(
        station=settings.station.name,
        ts=window[1],
        start=window[0],
        end=window[1],
        score=_mean([tag.score for tag in tags]),
        completeness=_mean([tag.completeness for tag in tags]),
        validity=_mean([tag.validity for tag in tags]),
        consistency=_mean([tag.consistency for tag in tags]),
        timeliness=_mean([tag.timeliness for tag in tags]),
        tags=tuple(tags),
        cross_checks=tuple(_crossed(one, verdicts) for one in verdicts if not one.agrees),
    )


def _of_tag(tag: Tag, judged: Judged, watch: Watch, rules: Rules) -> TagQuality:
    tally = judged.tally
    found = shares(
        expected=judged.expected,
        came=tally.came,
        untimely=tally.count(*UNTIMELY),
        invalid=tally.count(*INVALID),
        suspect=tally.count(*DOUBTFUL),
    )
    return TagQuality(
        tag=tag.name,
        score=found.score,
        completeness=found.completeness,
        validity=found.validity,
        consistency=found.consistency,
        timeliness=found.timeliness,
        readings=tally.came,
        bad=tally.count("bad"),
        uncertain=tally.count("uncertain"),
        filled=judged.filled,
        reasons=dict(Counter(judged.reasons).most_common(MOST_REASONS)),
        flag=_word(_worst(judged, watch)),
        findings=tuple(map(_finding, tally.findings.values())),
        not_evaluated=watch.not_evaluated(rules),
        resolution=tag.resolution or float(f"{watch.motion.grid.resolution:.6g}") or None,  # not 0.0999999999999943
    )


def _worst(judged: Judged, watch: Watch) -> Flag:
    """The worst of what was found; a tag that has shown no number yet is not evaluated.

    One that is read every quarter of an hour is not missing in the minutes between.
    """
    is_missing = judged.expected > 0 and not judged.tally.came
    flags = {finding.flag for finding in judged.tally.findings.values()} | ({Flag.MISSING} if is_missing else set())
    usual = Flag.PASS if watch.readings else Flag.NOT_EVALUATED
    return next((flag for flag in _WORST_FIRST if flag in flags), usual)


def _finding(one: Finding) -> TagFinding:
    return TagFinding(
        check=one.check,
        flag=_word(one.flag),
        reason=one.reason,
        count=one.count,
        first=one.first_ms,
        value=one.value,
        limit=one.limit,
    )


def _crossed(verdict: Verdict, verdicts: Sequence[Verdict]) -> CrossCheck:
    wrong = suspect(verdict, verdicts)
    tags = verdict.tags if wrong is None else (wrong, *(tag for tag in verdict.tags if tag != wrong))
    return CrossCheck(
        check=verdict.check,
        tags=tags,
        suspect=wrong,
        reason=verdict.reason,
        value=verdict.value,
        limit=verdict.limit,
    )


def _word(flag: Flag) -> FlagWord:
    match flag:
        case Flag.PASS:
            return "pass"
        case Flag.NOT_EVALUATED:
            return "not_evaluated"
        case Flag.SUSPECT:
            return "suspect"
        case Flag.FAIL:
            return "fail"
        case Flag.MISSING:
            return "missing"


def _mean(shares_of_tags: Sequence[float]) -> float:
    return min(1.0, float(np.mean(shares_of_tags))) if shares_of_tags else 1.0
