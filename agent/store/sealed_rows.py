"""The writer's side of sealing: a block takes the place of its rows at once, and these go in small steps."""

from agent.store.log import Log
from agent.store.rows import sealed_upto
from agent.store.sealed import SealedBlock

STEP = 2_048  # rows that leave the table in a transaction


def keep_block(log: Log, block: SealedBlock) -> bool:
    """Put *block* in the place of its rows, in the caller's transaction; False where the log has changed meanwhile.

    From then on its rows in the table are not looked at; `sweep` takes them out. A crash between the two
    leaves them for the next sweep.
    """
    query = "SELECT min(first), max(last), sum(last - first + 1) FROM span WHERE first > ? AND first <= ?"
    first, last, rows = log.db.execute(query, (sealed_upto(log.db), block.last)).fetchone()
    if (first, last, rows) != (block.first, block.last, block.rows):  # retention was faster, or another run
        return False
    strips = [
        log.db.execute("INSERT INTO strip (block, body) VALUES (?, ?)", (block.first, body)).lastrowid or 0
        for body in block.strips
    ]
    chunks = [chunk._replace(times=strips[chunk.times], ids=strips[chunk.ids]) for chunk in block.chunks]
    log.db.executemany(ADD_CHUNK, [(block.first, *chunk) for chunk in chunks])
    log.db.execute("DELETE FROM span WHERE first BETWEEN ? AND ?", (block.first, block.last))
    log.db.execute("INSERT INTO span VALUES (?, ?, ?, ?, ?)", block[:5])
    log.db.execute("INSERT OR REPLACE INTO mark VALUES ('sealed', ?)", (block.last,))
    return True


def drop_block(log: Log, first: int) -> None:
    """Take the chunks of the block that begins with id *first* out, in the caller's transaction."""
    log.db.execute("DELETE FROM chunk WHERE block = ?", (first,))
    log.db.execute("DELETE FROM strip WHERE block = ?", (first,))


def sweep(log: Log) -> int:
    """Take some rows that are sealed out of the table, in the caller's transaction; how many there were."""
    return log.db.execute(SWEEP, (sealed_upto(log.db), STEP)).rowcount


ADD_CHUNK = """
INSERT INTO chunk (block, tag, first, times, ids, min_ms, max_ms, rows, kinds, codes, reals, integers, texts)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
SWEEP = "DELETE FROM reading WHERE id <= min(?, (SELECT min(id) FROM reading) + ? - 1)"
