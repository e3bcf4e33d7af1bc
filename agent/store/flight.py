"""Batches on their way to one receiver."""

from collections import deque

from agent.store.records import Batch

TOLD_APART = 100  # batches whose acknowledgement is not on the disk; further ones count as one


class Flight:
    """Batches handed out in order, of which the receiver may acknowledge any first.

    The place moves only over those without an unacknowledged one before them.
    """

    def __init__(self, place: int) -> None:
        self.place = place
        self.loose = 0  # rows handed out whose acknowledgement is not on the disk: a crash repeats them
        self._batches: deque[tuple[Batch, list[bool]]] = deque()
        self._loose: deque[tuple[int, int]] = deque()  # last id and number of rows

    def __bool__(self) -> bool:
        return bool(self._batches)

    def hand_out(self, batch: Batch) -> None:
        """Note that the receiver is being given *batch*."""
        self._batches.append((batch, [False]))
        rows = len(batch.rows)
        self.loose += rows
        if len(self._loose) == TOLD_APART:  # the disk has been refusing for long
            rows += self._loose.pop()[1]
        self._loose.append((batch.last, rows))

    def land(self, batch: Batch) -> list[Batch] | None:
        """Note that the receiver has *batch*; the ones now behind the place, or None where it is not in the air."""
        for one, has_landed in self._batches:
            if one is batch:
                has_landed[0] = True
                break
        else:
            return None
        landed = []
        while self._batches and self._batches[0][1][0]:
            landed.append(self._batches.popleft()[0])
            self.place = landed[-1].last
        return landed

    def keep(self, place: int) -> None:
        """The disk has it that everything up to *place* is acknowledged."""
        while self._loose and self._loose[0][0] <= place:
            self.loose -= self._loose.popleft()[1]
