"""What the log has already of a time, for whoever brings history into it."""

from agent.store.log import Log
from agent.store.rows import Rows


def known(log: Log, first_ms: int, last_ms: int) -> set[tuple[str, int]]:
    """Tags and times that the log has from *first_ms* to *last_ms*; empty, at no cost, where it has none."""
    found: set[tuple[str, int]] = set()
    rows = Rows(log.db)
    spans = log.db.execute("SELECT first, last FROM span WHERE max_ms >= ? AND min_ms <= ?", (first_ms, last_ms))
    for first, last in spans.fetchall():
        chunks, hot = rows.part(first, last, None, first_ms, last_ms + 1)
        found.update((log.names.tag_of[row[1]], row[2]) for row in hot)
        for chunk in chunks:
            tag = log.names.tag_of[chunk.tag]
            found.update((tag, ts_ms) for ts_ms in chunk.times_ms if first_ms <= ts_ms <= last_ms)
    return found
