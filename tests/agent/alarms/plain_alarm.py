"""An alarm as the standard tells it, worked out from its whole story each time: nothing like the product.

It keeps nothing but the list of what happened and answers every question by looking back.
"""

from typing import NamedTuple


class Told(NamedTuple):
    """One event of a story. `of` is the occurrence that is meant: "present", or "earlier"."""

    event: str
    of: str = "present"


STORY_EVENTS = (
    Told("raised"),
    Told("cleared"),
    Told("acknowledged"),
    Told("acknowledged", "earlier"),
    Told("confirmed"),
    Told("confirmed", "earlier"),
    Told("reset"),
    Told("reset", "earlier"),
    Told("shelved"),
    Told("unshelved"),
    Told("suppressed"),
    Told("unsuppressed"),
    Told("suppressed by design"),
    Told("unsuppressed by design"),
    Told("out_of_service"),
    Told("returned"),
    Told("commented"),
)


class PlainAlarm:
    """The story so far: only what could happen is in it."""

    def __init__(self, *, is_latching: bool, story: tuple[Told, ...] = ()) -> None:
        self.is_latching = is_latching
        self.story = story

    def last(self, *events: str) -> str | None:
        """Which of *events* came last."""
        return next((told.event for told in reversed(self.story) if told.event in events), None)

    @property
    def occurrence(self) -> int:
        return sum(told.event == "raised" for told in self.story)

    @property
    def since_raised(self) -> set[str]:
        """What has happened since it was last raised."""
        found: set[str] = set()
        for told in reversed(self.story):
            if told.event == "raised":
                break
            found.add(told.event)
        return found

    @property
    def active(self) -> bool:
        return self.last("raised", "cleared") == "raised"

    @property
    def acked(self) -> bool:
        return self.occurrence == 0 or "acknowledged" in self.since_raised

    @property
    def latched(self) -> bool:
        return self.is_latching and self.last("raised", "reset") == "raised"

    @property
    def state(self) -> str:
        if self.last_is("out_of_service", "returned"):
            return "OUT_OF_SERVICE"
        if self.last_is("suppressed", "unsuppressed") or self.last_is("suppressed by design", "unsuppressed by design"):
            return "SUPPRESSED"
        if self.last_is("shelved", "unshelved"):
            return "SHELVED"
        if self.active:
            return "ACKED" if self.acked else "UNACK"
        if self.latched:
            return "LATCHED_ACKED" if self.acked else "LATCHED_UNACK"
        return "NORM" if self.acked else "RTNUN"

    def can(self, told: Told) -> bool:
        """Whether the event can happen next."""
        is_present = told.of == "present" and self.occurrence > 0
        able = {
            "raised": not self.active,
            "cleared": self.active,
            "acknowledged": is_present and not self.acked,
            "confirmed": is_present and self.acked and "confirmed" not in self.since_raised,
            "reset": is_present and self.latched and not self.active,
            "shelved": True,
            "commented": True,
            "out_of_service": not self.last_is("out_of_service", "returned"),
            "returned": self.last_is("out_of_service", "returned"),
            "unshelved": self.last_is("shelved", "unshelved"),
        }
        for way in ("", " by design"):
            able["suppressed" + way] = not self.last_is("suppressed" + way, "unsuppressed" + way)
            able["unsuppressed" + way] = self.last_is("suppressed" + way, "unsuppressed" + way)
        return able[told.event]

    def last_is(self, beginning: str, ending: str) -> bool:
        """Whether something was begun and not ended."""
        return self.last(beginning, ending) == beginning

    def then(self, told: Told) -> "PlainAlarm":
        """The alarm after the event; what cannot happen does not."""
        return PlainAlarm(is_latching=self.is_latching, story=(*self.story, told) if self.can(told) else self.story)
