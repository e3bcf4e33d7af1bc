"""Tags and reasons as small numbers: what makes a row of the log 28 bytes."""

import re
import sqlite3
from collections.abc import Iterable

from agent.store.zones import ROTTED, ROTTED_TEXT

# Reasons are fragments of sentences; a driver that puts numbers into them must not grow the table for ever.
MOST_REASONS = 5_000
OTHER = "another reason (there have been too many different ones)"
NUMBER = re.compile(r"-?\d[\d.]*(e[+-]?\d+)?")


class Names:
    """The writer's dictionaries; `forget` after a transaction that was rolled back."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.forget()

    def forget(self) -> None:
        """Believe the database only."""
        self.tags: dict[str, int] = dict(self._db.execute("SELECT name, id FROM tag"))
        self.reasons: dict[str | None, int | None] = dict(self._db.execute("SELECT text, id FROM reason"))
        self.reasons[None] = None
        self.reasons[ROTTED_TEXT] = ROTTED
        self.tag_of = {number: name for name, number in self.tags.items()}
        self.reason_of = {number: text for text, number in self.reasons.items()}

    def learn(self, tags: Iterable[str], reasons: Iterable[str | None], first: int) -> None:
        """Give numbers to new ones, inside the caller's transaction; *first* is the id of the next reading."""
        if len(self.reasons) > 4 * MOST_REASONS:
            self.forget()  # the dictionary in memory has an end as well
        for tag in tags:
            if tag not in self.tags:
                row = self._db.execute("INSERT INTO tag (name, unit, first) VALUES (?, '', ?)", (tag, first))
                self.tags[tag] = row.lastrowid or 0
                self.tag_of[self.tags[tag]] = tag
        for reason in reasons:
            if reason not in self.reasons:
                self.reasons[reason] = self._number_of(reason)

    def _number_of(self, reason: str | None) -> int | None:
        known = len(self.reason_of) - 1  # but for the one that is in no table
        if known > MOST_REASONS and reason != OTHER:
            # Usually they differ in a number only. Should they not, even that has an end.
            general = NUMBER.sub("#", reason or "") if known < 2 * MOST_REASONS else OTHER
            if general != reason:
                self.learn((), [general], 0)
                return self.reasons[general]
        number = self._db.execute("INSERT INTO reason (text) VALUES (?)", (reason,)).lastrowid
        self.reason_of[number] = reason
        return number
