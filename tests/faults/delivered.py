"""What an independent receiver has got, held against what the store has: lost, twice, out of order."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from agent.store.reader import Reader
from tests.simulators.subscriber import Subscriber

PATIENCE = 90.0  # s until what has not come counts as lost
LOOK = 0.02  # s between two looks

OWED = """
SELECT name, ts_ms FROM reading JOIN tag ON tag.id = reading.tag
WHERE reading.id > (SELECT id FROM cursor WHERE sink = 'mqtt' AND stream = 'live')
OR EXISTS (SELECT 1 FROM backlog WHERE sink = 'mqtt' AND reading.id BETWEEN first AND last)
"""

Key = tuple[str, int]  # a reading's tag and time


@dataclass(slots=True)
class Figures:
    """What one kind of trouble did, all rounds together."""

    name: str
    rounds: int = 0
    stored: int = 0  # readings that `append` had returned for
    lost: int = 0
    twice: int = 0
    most: int = 0  # twice in one round
    disordered: int = 0  # readings older than one of their tag that came before them on the same topic
    back: list[float] = field(default_factory=list)  # s until live readings arrived again

    def count(self, repeated: int) -> None:
        """A round is over, in which so many readings came again."""
        self.rounds += 1
        self.most = max(self.most, repeated)

    def add(self, other: "Figures") -> None:
        """Take in the same trouble of another station."""
        self.rounds, self.stored, self.lost = (
            self.rounds + other.rounds,
            self.stored + other.stored,
            self.lost + other.lost,
        )
        self.twice, self.most = self.twice + other.twice, max(self.most, other.most)
        self.disordered += other.disordered
        self.back += other.back

    def __str__(self) -> str:
        back = sorted(self.back) or [0.0]
        return (
            f"{self.name:42} {self.rounds:6} {self.stored:8} {self.lost:6} {self.twice:6} {self.most:6} "
            f"{self.disordered:9} {back[len(back) // 2]:8.1f} {back[-1]:6.1f}"
        )


HEAD = (
    f"{'trouble':42} {'rounds':>6} {'stored':>8} {'lost':>6} {'twice':>6} {'most':>6} {'unordered':>9} "
    f"{'back, s':>8} worst"
)


class Delivered:
    """Follows both streams of readings, message by message.

    Args:
        scada: The receiver.
        root: Of the topics.
        path: The agent's store.
    """

    def __init__(self, scada: Subscriber, root: str, path: Path) -> None:
        self._scada = scada
        self._topics = (f"{root}/readings", f"{root}/history")
        self._path = path
        self._place = 0  # messages looked at
        self._mark = 0  # rows of the store that have been held against
        self._seen = set[Key]()
        self._newest: dict[tuple[str, str], int] = {}
        self._told = 0  # repetitions that have been asked for
        self._marks = 0  # messages of our own
        self._fresh = set[Key]()  # what has come since a kill
        self.newest_ms = 0  # time of the newest live reading
        self.held = 0  # messages of what was held back
        self.twice = self.disordered = 0

    def repeated(self) -> int:
        """Repetitions since this was asked before."""
        self.look()
        fresh, self._told = self.twice - self._told, self.twice
        return fresh

    async def drained(self) -> None:
        """Wait until all has arrived that the broker had of an agent that is dead."""
        for count in (self._marks + 1, self._marks + 2):  # the first goes once round the broker's loop
            self._scada.say(self._topics[1], '{"rows": []}')
            await self.until(partial(self._has_marks, count))

    def _has_marks(self, count: int) -> bool:
        return self._marks >= count

    def look(self) -> None:
        """Take in what has arrived."""
        messages = self._scada.messages
        while self._place < len(messages):
            message = messages[self._place]
            self._place += 1
            if message.topic in self._topics and not message.json["rows"]:
                self._marks += 1
            elif message.topic in self._topics:
                is_live = message.topic == self._topics[0]
                self.newest_ms = message.json["rows"][-1][1] if is_live else self.newest_ms
                self.held += message.topic == self._topics[1]
                for tag, ts_ms, *_ in message.json["rows"]:
                    self._take(message.topic, tag, ts_ms)

    def to_repeat(self) -> int:
        """Readings that came since this was asked before and that a new process will deliver again.

        What an earlier kill has left to be repeated, and this process has not, is not among them.
        """
        self.look()
        fresh, self._fresh = self._fresh, set()
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as db:
            return len(fresh & set(db.execute(OWED)))
        return 0

    def _take(self, topic: str, tag: str, ts_ms: int) -> None:
        self._fresh.add((tag, ts_ms))
        if (tag, ts_ms) in self._seen:
            self.twice += 1
            return
        self._seen.add((tag, ts_ms))
        self.disordered += ts_ms < self._newest.get((topic, tag), 0)
        self._newest[topic, tag] = max(ts_ms, self._newest.get((topic, tag), 0))

    async def until(self, condition: Callable[[], bool], patience: float = PATIENCE) -> bool:
        """Look until *condition* holds; false where it does not within *patience*, s."""
        end = time.monotonic() + patience
        self.look()
        while not condition():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(LOOK)
            self.look()
        return True

    async def settle(self, figures: Figures) -> None:
        """Wait for everything the store has by now, and count what does not come."""
        with Reader(self._path) as reader:
            rows = reader.after(self._mark, 10**7)
        self._mark = rows[-1].id if rows else self._mark
        figures.stored += len(rows)
        missing = {(row.tag, row.ts_ms) for row in rows}

        def is_whole() -> bool:
            nonlocal missing
            missing = {key for key in missing if key not in self._seen}
            return not missing

        await self.until(is_whole)
        figures.lost += len(missing)
