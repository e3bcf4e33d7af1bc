"""Rows of the log as one message: the hot path, so JSON is written without a model; pure."""

from collections.abc import Sequence

import orjson

from agent.store.records import Row


def encode(rows: Sequence[Row]) -> bytes:
    """One message of `<root>/readings` or `<root>/history` (`payloads.Readings`) with all of *rows*, at least one."""
    listed = [row[1:5] for row in rows]  # tag, ts_ms, value, quality
    return orjson.dumps({"seq": rows[0].id, "count": len(rows), "rows": listed})
