"""History from CSV files into the log: checked, counted, in chunks, and never twice."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from operator import itemgetter
from pathlib import Path
from zoneinfo import ZoneInfo

from agent.store.history_file import opened
from agent.store.history_layout import FEW, HistoryError
from agent.store.history_report import ImportReport
from agent.store.history_rows import readings
from agent.store.history_time import Clock
from agent.store.history_values import Check
from agent.store.known import Known
from agent.store.log import Log
from agent.store.schema import prepare_now
from agent.store.zones import Offered
from drivers.reading import Quality
from drivers.settings import TagSettings

CHUNK, AT_ONCE = 50_000, 4_000  # readings of a transaction, and of a call

_key = itemgetter(0, 1)  # of a reading
_tag, _time, _quality, _reason = map(itemgetter, (0, 1, 3, 4))


def import_history(
    path: Path,
    store: Path,
    tags: Iterable[TagSettings],
    zone: ZoneInfo,
    progress: Callable[[float], None] = lambda _: None,
) -> ImportReport:
    """Take the history in the CSV file at *path* into the database at *store*; blocks until it is there.

    Wide (a column of times and one a tag) or long (time, tag, value and perhaps quality); `.gz` too. Imported
    rows are not delivered to receivers. Interrupted, it can be repeated: what is there is not taken again.

    Args:
        path: The file.
        store: The database; made where it is missing.
        tags: The configured tags; others are named in the report and left out.
        zone: Of times without an offset, where the title of their column says none.
        progress: Is told the share of the file that is done, 0 to 1, after each chunk.

    Raises:
        HistoryError: The file cannot be read; what came before that place is kept.
        StorageRefusedError: The agent is running, or another import.
        StorageError: The disk does not do it.
    """
    checks = {tag.name: Check(tag) for tag in tags}
    report = ImportReport(path.name)
    with opened(path) as file:
        digest = _digest(path, checks, zone)
        prepare_now(store)
        with Log(store) as log:
            if log.db.execute("SELECT 1 FROM history WHERE digest = ?", (digest,)).fetchone():
                report.is_known = True
                return report
            size, clock, known = path.stat().st_size, Clock(file.layout.zone or zone), Known(log)
            for chunk in _chunks(readings(file, checks, clock, report)):
                _keep(log, known, chunk, report)
                report.twice = clock.twice
                progress(file.position / size)
            _note(log, digest, report)
    return report


def begin_ms(path: Path, zone: ZoneInfo) -> int | None:
    """Time of the first usable line of the file at *path*; None where there is none.

    Raises:
        HistoryError: The file cannot be read.
    """
    with opened(path) as file:
        clock = Clock(file.layout.zone or zone)
        for line in islice(file, FEW):
            with suppress(ValueError, IndexError):
                return clock.ms(file.layout.when(line.cells))
    return None


def _digest(path: Path, tags: Iterable[str], zone: ZoneInfo) -> str:
    """What makes two imports the same: the file's content, the tags asked for, and the zone."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(repr((sorted(tags), str(zone))).encode())
    return digest.hexdigest()


def _chunks(lines: Iterator[list[Offered]]) -> Iterator[list[Offered]]:
    chunk: list[Offered] = []
    try:
        for found in lines:
            chunk += found
            if len(chunk) >= CHUNK:
                yield chunk
                chunk = []
    except HistoryError:
        yield chunk  # what came before is kept
        raise
    yield chunk


def _keep(log: Log, known: Known, chunk: list[Offered], report: ImportReport) -> None:
    """Append a chunk in order of time, without what is there already."""
    if not chunk:
        return
    times = list(map(_time, chunk))
    if times != sorted(times):  # sorting what is sorted costs less than any loop that looks
        chunk.sort(key=_time)
    new = chunk
    keys = set(map(_key, chunk))
    if len(keys) < len(chunk):
        new = list({_key(one): one for one in chunk}.values())  # of a tag's equal times the last counts
    with log.transaction():
        if there := known.among(keys, _time(chunk[0]), _time(chunk[-1])):
            new = [one for one in new if _key(one) not in there]
        del keys  # they would crowd the processor's cache
        log.names.learn(set(map(_tag, new)), set(map(_reason, new)), log.last_id + 1)
        for start in range(0, len(new), AT_ONCE):  # what stays in a processor's cache is written faster
            log.insert(new[start : start + AT_ONCE], imported=True)
    report.duplicates += len(chunk) - len(new)
    if new:
        report.imported += len(new)
        codes = map(_quality, new)
        report.bad += sum(count for code, count in Counter(codes).items() if code < Quality.UNCERTAIN)
        report.keep(_time(new[0]), _time(new[-1]))


def _note(log: Log, digest: str, report: ImportReport) -> None:
    counts = json.dumps({name: getattr(report, name) for name in ("imported", "duplicates", "rejected")})
    with log.transaction():
        row = (digest, report.name, time.time_ns() // 1_000_000, counts)
        log.db.execute("INSERT INTO history VALUES (?, ?, ?, ?)", row)
