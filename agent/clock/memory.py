"""What the database remembers of the clock: when it was last synchronised."""

from agent.clock.source import Look
from agent.store.log import Log


def note_synchronised(log: Log, boot_id: str, look: Look) -> None:
    """The clock was synchronised at *look*; in the caller's transaction."""
    log.db.execute("DELETE FROM synchronised")
    log.db.execute("INSERT INTO synchronised VALUES (?, ?, ?)", (boot_id, look.boot_ms, look.offset_ms))


def synchronised(log: Log, boot_id: str) -> tuple[bool, Look | None]:
    """Whether the clock of this machine has ever been so, and when it last was in this start of the machine."""
    row = log.db.execute("SELECT boot, boot_ms, offset_ms FROM synchronised").fetchone()
    if row is None or row[0] != boot_id:
        return row is not None, None
    _, boot_ms, offset_ms = row
    return True, Look(boot_ms + offset_ms, boot_ms, is_synchronised=True)
