"""The newest rows of the log, in memory: receivers that keep up never ask the disk."""

from collections import deque

from agent.store.records import Row

ROWS = 20_000  # about 4 MB


class Recent:
    """Rows as they were written or, while the disk refuses, as they wait for it; the oldest leave."""

    def __init__(self) -> None:
        self._blocks: deque[list[Row]] = deque()
        self._rows = 0
        self._after = 0  # every row after the one with this id is here

    def forget(self, last_id: int) -> None:
        """Keep nothing; what comes has ids above *last_id*."""
        self._blocks.clear()
        self._rows, self._after = 0, last_id

    def reach_back(self, stored_id: int) -> None:
        """What lies up to *stored_id* is on the disk only."""
        self._after = max(self._after, stored_id)

    def add(self, rows: list[Row]) -> None:
        """Take consecutive *rows*, newer than all before."""
        if not rows:
            return
        self._blocks.append(rows)
        self._rows += len(rows)
        while self._rows > ROWS and len(self._blocks) > 1:
            gone = self._blocks.popleft()
            self._rows -= len(gone)
            self._after = gone[-1].id

    def after(self, mark: int, limit: int) -> list[Row] | None:
        """Up to *limit* rows after *mark*; None where some of them have left."""
        if mark < self._after:
            return None
        for rows in self._blocks:
            if rows[-1].id > mark:
                start = max(0, mark + 1 - rows[0].id)
                return rows[start : start + limit]
        return []
