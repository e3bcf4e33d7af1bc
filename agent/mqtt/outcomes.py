"""What came of commands, by id, as long as the same command might be done again. Pure."""

from collections.abc import Mapping
from typing import Final, NamedTuple

LONGEST_MS: Final = 24 * 3_600_000  # a command may not expire later, because its id is remembered until then
REMEMBERED: Final = 4_000  # ids that are known to be used; more in one day are refused,
OF_ONE_USER: Final = 1_000  # and of one user more than these, so that a program gone mad keeps no operator from acting
REFUSED: Final = 1_000  # ids of commands that did nothing: these are answered again while they are among the last


class Done(NamedTuple):
    """What came of a command."""

    error: str | None  # None for ok
    until_ms: int  # when the command expires by the wall clock,
    until: float  # and, s, by a clock that is never set
    user: str = ""  # who gave it; not known of those before a restart


class Outcomes:
    """Ids are forgotten once the command has expired by the wall clock and by a clock that is never set.

    The wall clock alone may jump ahead for a while; a command that would be forgotten then is still good afterwards.
    """

    def __init__(self) -> None:
        self._done: dict[str, Done] = {}
        self._refused: dict[str, Done] = {}  # those that did nothing, oldest first

    def __contains__(self, command_id: str) -> bool:
        return command_id in self._done or command_id in self._refused

    def error(self, command_id: str) -> str | None:
        """What is to be answered again; None for ok."""
        return (self._done if command_id in self._done else self._refused)[command_id].error

    def is_full(self, user: str) -> bool:
        """Whether no further command of *user* may be taken."""
        theirs = sum(done.user == user for done in self._done.values())
        return len(self._done) >= REMEMBERED or theirs >= OF_ONE_USER

    def recall(self, earlier: Mapping[str, int], error: str, now: float) -> None:
        """Those of before a restart, with when they expire: that, only the wall clock knows, so they stay for a day."""
        end = now + LONGEST_MS / 1_000
        self._done = {name: Done(error, until_ms, end) for name, until_ms in earlier.items()} | self._done

    def note(
        self, command_id: str, error: str | None, until_ms: int, now_ms: int, now: float, *, user: str = ""
    ) -> None:
        """It was done, or is going to be."""
        self._done[command_id] = Done(error, until_ms, now + (until_ms - now_ms) / 1_000, user)

    def refuse(self, command_id: str, error: str) -> None:
        """It was noted and did nothing, and so takes the place of none that did."""
        self._refused[command_id] = self._done.pop(command_id)._replace(error=error)
        if len(self._refused) > REFUSED:
            del self._refused[next(iter(self._refused))]

    def forget(self, now_ms: int, now: float) -> list[str]:
        """Forget those that have expired, by both clocks; which of these did anything.

        Where there are too many, also those that are refused anyway as long as the clock is right: one that was wrong
        for long has left them, or many restarts.
        """
        known = self._done
        self._done, self._refused = (
            {name: done for name, done in some.items() if done.until_ms > now_ms or done.until > now}
            for some in (known, self._refused)
        )
        if len(self._done) >= REMEMBERED:
            last_ms = now_ms + LONGEST_MS
            self._done = {name: done for name, done in self._done.items() if now_ms < done.until_ms <= last_ms}
        return [name for name in known if name not in self._done]
