"""What analyses found: records, filled values, and how their jobs are doing; written inside the log's transactions."""

import json
from collections.abc import Iterable

from agent.jobs.job import Outcome
from agent.store.log import Log
from agent.store.records import Filled, Record, Stretch
from agent.store.rolled import keep_pages
from agent.store.sealed_rows import keep_block


def add_records(log: Log, records: Iterable[Record]) -> None:
    """Append *records*, in order."""
    log.db.executemany("INSERT INTO record (kind, key, ts_ms, body) VALUES (?, ?, ?, ?)", map(_row, records))


def put_back_records(log: Log, records: Iterable[tuple[int, Record]]) -> None:
    """Append *records* under the ids that they were given while the disk refused."""
    log.db.executemany(
        "INSERT OR IGNORE INTO record (id, kind, key, ts_ms, body) VALUES (?, ?, ?, ?, ?)",
        [(number, *_row(record)) for number, record in records],
    )


def add_filled(log: Log, filled: Iterable[Filled]) -> None:
    """Put filled values in; a newer one of the same tag and time replaces the older."""
    filled = list(filled)
    log.names.learn({one.tag for one in filled}, (), log.last_id + 1)
    log.db.executemany(
        "INSERT OR REPLACE INTO filled VALUES (?, ?, ?, ?, ?, ?)",
        [(log.names.tags[one.tag], *one[1:]) for one in filled],
    )


def drop_filled(log: Log, stretches: Iterable[Stretch]) -> None:
    """Take filled values out, because something measured has come in their place."""
    log.db.executemany(
        "DELETE FROM filled WHERE tag = ? AND ts_ms >= ? AND ts_ms < ?",
        [(log.names.tags[one.tag], one.start_ms, one.end_ms) for one in stretches if one.tag in log.names.tags],
    )


def finish(log: Log, job: str, outcome: Outcome, now_ms: int, took_ms: int) -> None:
    """Keep all that a run found, together with its new mark and state."""
    drop_filled(log, outcome.unfilled)
    add_filled(log, outcome.filled)
    add_records(log, outcome.records)
    keep_pages(log.db, outcome.rolled)
    if outcome.sealed:
        keep_block(log, outcome.sealed)
    counts = json.dumps(dict(outcome.counts))
    log.db.execute(FINISH, (job, outcome.mark, outcome.state, now_ms, took_ms, counts))


def fail(log: Log, job: str, error: str, now_ms: int, took_ms: int) -> None:
    """Note that a run gave nothing; mark, state and result of its last good run stay."""
    log.db.execute(FAIL, (job, now_ms, took_ms, error))


def _row(record: Record) -> tuple[str, str, int, bytes]:
    return record.kind, record.key, record.ts_ms, record.body


FINISH = """
INSERT INTO job (job, mark, state, ran_ms, took_ms, failures, counts) VALUES (?, ?, ?, ?, ?, 0, ?)
ON CONFLICT DO UPDATE SET
    mark = excluded.mark, state = excluded.state, ran_ms = excluded.ran_ms, took_ms = excluded.took_ms,
    error = NULL, failed_ms = NULL, failures = 0, counts = excluded.counts
"""
FAIL = """
INSERT INTO job (job, mark, ran_ms, failed_ms, took_ms, error, failures, counts) VALUES (?, 0, 0, ?, ?, ?, 1, '{}')
ON CONFLICT DO UPDATE SET
    failed_ms = excluded.failed_ms, took_ms = excluded.took_ms, error = excluded.error, failures = failures + 1
"""
