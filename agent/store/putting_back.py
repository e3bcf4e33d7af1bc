"""What a damaged database still says, into the new one: by the writer, between its other transactions."""

import asyncio
import json
import logging
import pickle
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any, Final

from agent.child import killed
from agent.store.attempt import ROTTEN, attempt
from agent.store.errors import SUSPECT
from agent.store.known import Known
from agent.store.log import Log
from agent.store.losses import DAMAGED, Loss
from agent.store.missing import Hole, summed
from agent.store.rolled import RolledPage
from agent.store.rows import sealed_upto
from agent.store.salvage import LENGTH, Findings, Names, Piece, Refused, Rows, Unsent
from agent.store.salvaged_block import Block
from agent.store.writer import JUDGES, Store
from agent.store.zones import Span, Stored

log = logging.getLogger(__name__)

BUDGET: Final = 1_800.0  # s; what has not been put back by then stays in the file
ROOM: Final = 200_000_000  # bytes of the disk that are left free
SALVAGED, PARTLY, UNREADABLE = ".salvaged", ".partly-salvaged", ".unreadable"
ENDS: Final = (SALVAGED, PARTLY, UNREADABLE, "-wal", "-shm", "-journal", SUSPECT)


def waiting(database: Path) -> list[Path]:
    """Damaged files beside *database* that nothing was done about yet, the newest first."""
    found = database.parent.glob(f"{database.name}.damaged-*")
    return sorted((path for path in found if not path.name.endswith(ENDS)), reverse=True)


async def put_back(store: Store, damaged: Path) -> int:
    """Copy what can be read of *damaged* into *store*, and rename it by how that went; doing it again harms nothing.

    Returns:
        Readings put back.

    Raises:
        StorageError: The disk refuses; what was put back stays, and the file is still waiting.
    """
    salvage = _Salvage(store, damaged)
    is_whole = False
    try:
        async with asyncio.timeout(BUDGET):
            async for piece in _read(damaged):
                if shutil.disk_usage(damaged.parent).free < ROOM:
                    break
                await salvage.take(piece)
            else:
                is_whole = True
    except TimeoutError:
        pass
    except ROTTEN as error:
        salvage.faults.append(error)
    await salvage.end()
    end = (SALVAGED if is_whole and not salvage.faults else PARTLY) if salvage.has_found else UNREADABLE
    _rename(damaged, end)
    log.warning("%s", salvage.told(damaged.name + end))
    return salvage.rows


class _Salvage:
    """One damaged file on its way into the store."""

    def __init__(self, store: Store, damaged: Path) -> None:
        self._store = store
        self._reason = f"{DAMAGED} and set aside as {damaged.name}"
        self._names = Names({}, {})
        self._unsent: list[Unsent] = []
        self._holes: list[Hole] = []
        self._first_hot: int | None = None
        self._refused: dict[str, int] = {}
        self.faults: list[Exception] = []
        self.has_found = False
        self.rows = 0

    @property
    def missing(self) -> int:
        """Readings that cannot be read."""
        return sum(hole.readings for hole in self._holes)

    def told(self, name: str) -> str:
        """How it went, for the person who may delete the file, which is called *name* now."""
        told = f"{name}: {self.rows} readings put back, at least {self.missing} lost"
        if self._refused:
            tables = ", ".join(f"{count} of {table}" for table, count in sorted(self._refused.items()))
            told += f"; rows left out because they are not what was written: {tables}"
        if self.faults:
            told += f"; a part could not be put back ({self.faults[0]}): have a look at the file before it is deleted"
        return told

    async def take(self, piece: Piece) -> None:
        """Put one piece into the store."""
        self.has_found = True
        match piece:
            case Names():
                self._names = piece
                await self._write(partial(_learn, names=piece))
            case Unsent():
                self._unsent.append(piece)
            case Refused():
                self._refused = piece.rows
            case Rows():
                done = await self._write(partial(_put_rows, piece=piece, names=self._names))
                self._first_hot = piece.span.first
                self.rows += len(piece.rows) if done else 0
                self._miss(piece.holes if done else [*piece.holes, *_all_of_rows(piece)])
            case Block():
                done = await self._write(partial(_put_block, piece=piece, names=self._names))
                self.rows += piece.rows if done else 0
                self._miss(piece.holes if done else [*piece.holes, *_all_of_block(piece)])
            case Findings():
                await self._write(partial(_put_findings, piece=piece, names=self._names))

    async def end(self) -> None:
        """Have receivers given what they had not had, and say what is missing for good."""
        for unsent in self._unsent:
            if unsent.sink in JUDGES:
                continue
            for first, last in unsent.places:
                await self._store.owe(unsent.sink, first, last)
        if self._first_hot is not None:
            await self._write(partial(_roll_up_again, first=self._first_hot))
        tags = {0: ("", "", 0)} | self._names.tags
        losses = [Loss(tags[hole.tag][0], self._reason, *hole[1:]) for hole in self._holes]
        await self._write(partial(_settle_loss, reason=self._reason, rows=self.rows, losses=losses))

    async def _write(self, change: Callable[[Log], None]) -> bool:
        """Do *change*; what the tables refuse of it happens not at all, and costs nothing else."""
        fault = await self._store.write(lambda log: attempt(log, change))
        if fault:
            self.faults.append(fault)
        return fault is None

    def _miss(self, holes: list[Hole]) -> None:
        self._holes = summed([*self._holes, *holes])


async def _read(damaged: Path) -> AsyncIterator[Piece]:
    """Pieces as a child process finds them."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agent.store.salvage", str(damaged), stdout=PIPE, limit=2**20, start_new_session=True
    )
    assert child.stdout is not None  # noqa: S101 - it is a pipe
    try:
        while True:
            try:
                (size,) = LENGTH.unpack(await child.stdout.readexactly(LENGTH.size))
                yield pickle.loads(await child.stdout.readexactly(size))  # noqa: S301 - our own child
            except asyncio.IncompleteReadError:
                if await child.wait():
                    raise ValueError("reading it has failed") from None
                return
    finally:
        if child.returncode is None:
            await killed(child)


def _rename(damaged: Path, end: str) -> None:
    for suffix in ("-wal", "-shm", ""):
        beside = damaged.with_name(damaged.name + suffix)
        if beside.exists():
            beside.rename(damaged.with_name(damaged.name + end + suffix))


def _all_of_rows(piece: Rows) -> list[Hole]:
    return [Hole(row[1], piece.span.min_ms, piece.span.max_ms, 1, 0) for row in piece.rows]


def _all_of_block(piece: Block) -> list[Hole]:
    return [Hole(chunk[1], chunk[5], chunk[6], chunk[7], 0) for chunk in piece.chunks]


def _learn(log: Log, names: Names) -> None:
    log.names.learn([name for name, _, _ in names.tags.values()], names.reasons.values(), log.last_id + 1)
    for name, unit, first in names.tags.values():
        log.db.execute(
            "UPDATE tag SET first = min(first, ?), unit = CASE unit WHEN '' THEN ? ELSE unit END WHERE name = ?",
            (first, unit, name),
        )


def _put_rows(log: Log, piece: Rows, names: Names) -> None:
    """Rows under their old ids, where nothing newer has been sealed yet; else as history under new ones."""
    if not piece.rows:
        return
    span = piece.span
    if span.first <= sealed_upto(log.db):
        times = [row[2] for row in piece.rows]
        keys = {(names.tags[row[1]][0], row[2]) for row in piece.rows}
        there = Known(log).among(keys, min(times), max(times))  # put back before
        named = [
            (names.tags[tag][0], ts_ms, value, quality, names.reasons.get(reason or 0))
            for _, tag, ts_ms, value, quality, reason in piece.rows
            if (names.tags[tag][0], ts_ms) not in there
        ]
        log.insert(named, imported=True)
        return
    rows = [_renumbered(log, row, names) for row in piece.rows]
    log.db.executemany("INSERT OR IGNORE INTO reading VALUES (?, ?, ?, ?, ?, ?)", rows)
    for run in _runs(rows):
        times = [row[2] for row in run]
        place = Span(run[0][0], run[-1][0], min(times), max(times), span.imported)
        log.db.execute("INSERT OR REPLACE INTO span VALUES (?, ?, ?, ?, ?)", place)


def _renumbered(log: Log, row: Stored, names: Names) -> Stored:
    number, tag, ts_ms, value, quality, reason = row
    text = names.reasons.get(reason) if reason is not None else None
    return number, log.names.tags[names.tags[tag][0]], ts_ms, value, quality, log.names.reasons[text]


def _runs(rows: list[Stored]) -> list[list[Stored]]:
    runs: list[list[Stored]] = []
    for row in rows:
        if runs and runs[-1][-1][0] + 1 == row[0]:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def _put_block(log: Log, piece: Block, names: Names) -> None:
    """A sealed block as it is, but for the numbers of its strips, tags and reasons."""
    db, span = log.db, piece.span
    if db.execute("SELECT 1 FROM span WHERE first = ?", (span.first,)).fetchone():
        return  # put back before
    strips = {
        old: db.execute("INSERT INTO strip (block, body) VALUES (?, ?)", (span.first, body)).lastrowid
        for old, body in piece.strips
    }
    for block, tag, first, times, ids, min_ms, max_ms, rows, kinds, *packed in piece.chunks:
        if tag in names.tags and times in strips and ids in strips:
            values = (
                *(block, log.names.tags[names.tags[tag][0]], first, strips[times], strips[ids]),
                *(min_ms, max_ms, rows, _kinds(log, kinds, names), *packed),
            )
            places = ",".join(repeat("?", len(values)))
            db.execute(f"INSERT OR IGNORE INTO chunk VALUES ({places})", values)  # noqa: S608 - marks only
    db.execute("INSERT OR IGNORE INTO span VALUES (?, ?, ?, ?, ?)", span)
    if sealed_upto(db) < span.last:
        db.execute("INSERT OR REPLACE INTO mark VALUES ('sealed', ?)", (span.last,))


def _kinds(log: Log, kinds: str, names: Names) -> str:
    """The kinds of a chunk with this database's numbers of reasons."""
    told: list[list[Any]] = json.loads(kinds)
    texts = [names.reasons.get(kind[2]) if kind[2] is not None else None for kind in told]
    return json.dumps(
        [[*kind[:2], log.names.reasons[text]] for kind, text in zip(told, texts, strict=True)], separators=(",", ":")
    )


def _put_findings(log: Log, piece: Findings, names: Names) -> None:
    db, numbers = log.db, {old: log.names.tags[name] for old, (name, _, _) in names.tags.items()}
    first = db.execute("SELECT min(id) FROM record").fetchone()[0] or 2**62
    records = [row for row in piece.records if row[0] < first]
    db.executemany("INSERT OR IGNORE INTO record (id, kind, key, ts_ms, body) VALUES (?, ?, ?, ?, ?)", records)
    filled = [(numbers[row[0]], *row[1:]) for row in piece.filled if row[0] in numbers]
    db.executemany("INSERT OR IGNORE INTO filled VALUES (?, ?, ?, ?, ?, ?)", filled)
    rolled = [RolledPage(numbers[page.tag], *page[1:]) for page in piece.rolled if page.tag in numbers]
    places = ",".join(repeat("?", len(RolledPage._fields)))
    db.executemany(f"INSERT OR IGNORE INTO rollup VALUES ({places})", rolled)  # noqa: S608 - marks only
    db.executemany("INSERT OR IGNORE INTO loss VALUES (?, ?, ?, ?, ?, ?, ?, ?)", piece.losses)


def _roll_up_again(log: Log, first: int) -> None:
    """Rows from *first* on are rolled up once more: of their hours there may be a page that knows the new ones only."""
    log.db.execute("UPDATE job SET mark = min(mark, ?) WHERE job = 'rollup'", (first - 1,))


def _settle_loss(log: Log, reason: str, rows: int, losses: list[Loss]) -> None:
    """What was put back is no loss; what cannot be read is told by tag, and what was not looked at without."""
    told = log.db.execute("SELECT sum(count), min(first_ms), max(last_ms) FROM loss WHERE reason = ?", (reason,))
    count, first_ms, last_ms = told.fetchone()
    left = (count or 0) - rows - sum(loss.readings for loss in losses)
    log.db.execute("DELETE FROM loss WHERE reason = ?", (reason,))
    log.lose([*losses, *([Loss("", reason, first_ms, last_ms, left, 0)] if left > 0 else [])])
