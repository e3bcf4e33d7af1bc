"""The list of all alarms with why and what to do, as ISA-18.2 has them reviewed. Pure."""

from collections.abc import Iterator, Mapping

from agent.alarms.claims import Beyond, Deviation
from agent.alarms.conditions import Condition
from agent.alarms.rationale import SEVERITY
from agent.alarms.rules import Rule

COLUMNS = (
    "id", "type", "priority", "severity", "tag", "pump", "limit", "unit", "deadband", "on_delay_s", "off_delay_s",
    "latching", "group", "suppressed_while", "message", "cause", "consequence", "action",
)  # fmt: skip


def rationalisation(rules: Mapping[str, Rule]) -> Iterator[tuple[str, ...]]:
    """A row of texts a rule, in the order of COLUMNS."""
    for rule in rules.values():
        words, claim = rule.rationale, rule.claim
        deadband = claim.deadband if isinstance(claim, Beyond | Deviation) else None
        yield tuple(
            _text(cell)
            for cell in (
                words.id,
                words.type,
                words.priority,
                SEVERITY[words.priority],
                words.tag,
                words.pump,
                words.limit,
                words.unit,
                deadband,
                rule.delay.on,
                rule.delay.off,
                "yes" if words.is_latching else "no",
                words.group,
                "; ".join(map(_said, rule.suppress_while.conditions)) if rule.suppress_while else None,
                words.message,
                words.cause,
                words.consequence,
                words.action,
            )
        )


def _text(cell: object) -> str:
    """As a spreadsheet reads it: a text that begins like a formula must not become one."""
    text = "" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell)
    return f"'{text}" if isinstance(cell, str) and text[:1] in "=+-@\t\r" and text else text


def _said(condition: Condition) -> str:
    number = f"{condition.number:g}"
    if condition.other is None:
        return f"{condition.tag} {condition.sign} {number}"
    more = f" {condition.number:+g}" if condition.number else ""
    return f"{condition.tag} {condition.sign} {condition.other}{more}"
