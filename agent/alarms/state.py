"""One alarm's life after ISA-18.2 / IEC 62682: pure facts, what changes them, and the state they add up to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

State = Literal[
    "NORM",
    "UNACK",
    "ACKED",
    "RTNUN",
    "LATCHED_UNACK",
    "LATCHED_ACKED",
    "SHELVED",
    "SUPPRESSED",
    "OUT_OF_SERVICE",
]
Event = Literal[
    "raised",
    "cleared",
    "acknowledged",
    "confirmed",
    "reset",
    "shelved",
    "unshelved",
    "suppressed",
    "unsuppressed",
    "out_of_service",
    "returned",
    "commented",
]

# What is shown of an alarm that nothing hides: by active, latched, acked.
BARE: Final[Mapping[tuple[bool, bool, bool], State]] = {
    (True, True, False): "UNACK",
    (True, False, False): "UNACK",
    (True, True, True): "ACKED",
    (True, False, True): "ACKED",
    (False, True, False): "LATCHED_UNACK",
    (False, True, True): "LATCHED_ACKED",
    (False, False, False): "RTNUN",
    (False, False, True): "NORM",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happens to an alarm, by itself or by a person."""

    event: Event
    ts_ms: int
    user: str | None = None
    comment: str | None = None
    value: float | None = None  # with raised: what the tag said, in its unit
    reason: str | None = None  # with raised: what the reading said
    is_latching: bool = False  # with raised: it stays until it is reset
    is_first: bool = False  # with raised: none of its group stood when it came
    occurrence: int | None = None  # with acknowledged, confirmed, reset: which raising is meant
    until_ms: int | None = None  # with shelved
    is_by_design: bool = False  # with suppressed, unsuppressed: by what the configuration says, not by a person


class RefusedError(LookupError):
    """It cannot happen to the alarm as it is; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class AlarmState:
    """What is known of one alarm: independent facts, from which its state follows.

    An occurrence is one stay in alarm. It has a number, so that an acknowledgement that
    arrives late never silences a newer occurrence. Whatever hides an alarm (shelved, suppressed,
    out of service) leaves the other facts alone: it is raised, cleared and acknowledged behind it.
    """

    active: bool = False
    acked: bool = True
    confirmed: bool = True  # a person has said what was done about it
    latched: bool = False  # stays until a person resets it
    shelved_until_ms: int | None = None
    suppressed: bool = False  # somebody asked for it
    suppressed_by_design: bool = False  # the configuration says that it means nothing now
    out_of_service: bool = False
    first_out: bool = False
    occurrence: int = 0  # 0: never raised
    changes: int = 0  # how often it has changed
    value: float | None = None  # what the tag said when it was raised, in its unit
    reason: str | None = None  # what its reading said then
    raised_ms: int | None = None
    cleared_ms: int | None = None
    acked_ms: int | None = None
    acked_by: str | None = None

    @property
    def state(self) -> State:
        """What a list of alarms shows; the strongest reason to hide it goes first.

        >>> AlarmState().after(Happening("raised", 1_000)).after(Happening("cleared", 2_000)).state
        'RTNUN'
        """
        if self.out_of_service:
            return "OUT_OF_SERVICE"
        if self.suppressed or self.suppressed_by_design:
            return "SUPPRESSED"
        if self.shelved_until_ms is not None:
            return "SHELVED"
        return BARE[self.active, self.latched, self.acked]

    @property
    def is_standing(self) -> bool:
        """Whether it would be shown if nothing hid it."""
        return BARE[self.active, self.latched, self.acked] != "NORM"

    def after(self, happening: Happening) -> "AlarmState":
        """The alarm after *happening*.

        Raises:
            RefusedError: That cannot happen to it as it is.
        """
        row = TABLE[happening.event]
        if refusal := row.refusal(self, happening):
            raise RefusedError(refusal)
        return replace(self, changes=self.changes + 1, **row.facts(self, happening))


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of events."""

    refusal: Callable[[AlarmState, Happening], str | None]  # why it cannot happen; None where it can
    facts: Callable[[AlarmState, Happening], dict[str, Any]]  # that change


def _if(holds: Callable[[AlarmState], bool], fact: str) -> Callable[[AlarmState, Happening], str | None]:
    """Refused with *fact* unless it *holds*."""
    return lambda state, _: None if holds(state) else fact


def _of_present(holds: Callable[[AlarmState], bool], fact: str) -> Callable[[AlarmState, Happening], str | None]:
    """Likewise, and refused where another occurrence is meant than the present one."""

    def refusal(state: AlarmState, asked: Happening) -> str | None:
        if asked.occurrence != state.occurrence or state.occurrence == 0:
            return f"occurrence {asked.occurrence} is not its present one, which is {state.occurrence}"
        return None if holds(state) else fact

    return refusal


def _raised(state: AlarmState, asked: Happening) -> dict[str, Any]:
    return {
        "active": True,
        "acked": False,
        "confirmed": False,
        "latched": state.latched or asked.is_latching,
        "first_out": asked.is_first,
        "occurrence": state.occurrence + 1,
        "value": asked.value,
        "reason": asked.reason,
        "raised_ms": asked.ts_ms,
        "cleared_ms": None,
        "acked_ms": None,
        "acked_by": None,
    }


def _shelving(_: AlarmState, asked: Happening) -> str | None:
    return None if asked.until_ms is not None and asked.until_ms > asked.ts_ms else "say until when it is shelved"


def _suppression(*, on: bool) -> Row:
    """Two facts hide it side by side: what a person or SCADA asked for, and what the configuration says."""

    def fact(asked: Happening) -> str:
        return "suppressed_by_design" if asked.is_by_design else "suppressed"

    word = "is suppressed already" if on else "is not suppressed by a command"
    return Row(
        lambda state, asked: word if getattr(state, fact(asked)) == on else None, lambda _, asked: {fact(asked): on}
    )


TABLE: Final[Mapping[Event, Row]] = {
    "raised": Row(_if(lambda state: not state.active, "is active already"), _raised),
    "cleared": Row(
        _if(lambda state: state.active, "is not active"), lambda _, at: {"active": False, "cleared_ms": at.ts_ms}
    ),
    "acknowledged": Row(
        _of_present(lambda state: not state.acked, "is acknowledged already"),
        lambda _, by: {"acked": True, "acked_ms": by.ts_ms, "acked_by": by.user},
    ),
    "confirmed": Row(
        _of_present(
            lambda state: state.acked and not state.confirmed, "is to be acknowledged first, and confirmed once"
        ),
        lambda _, __: {"confirmed": True},
    ),
    "reset": Row(
        _of_present(
            lambda state: state.latched and not state.active,
            "is reset only where it is latched and its cause has gone",
        ),
        lambda _, __: {"latched": False},
    ),
    "shelved": Row(_shelving, lambda _, asked: {"shelved_until_ms": asked.until_ms}),
    "unshelved": Row(
        _if(lambda state: state.shelved_until_ms is not None, "is not shelved"),
        lambda _, __: {"shelved_until_ms": None},
    ),
    "suppressed": _suppression(on=True),
    "unsuppressed": _suppression(on=False),
    "out_of_service": Row(
        _if(lambda state: not state.out_of_service, "is out of service already"),
        lambda _, __: {"out_of_service": True},
    ),
    "returned": Row(_if(lambda state: state.out_of_service, "is in service"), lambda _, __: {"out_of_service": False}),
    "commented": Row(lambda _, asked: None if asked.comment else "a comment needs words", lambda _, __: {}),
}
