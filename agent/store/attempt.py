"""A change made of what a damaged file said: it may be refused, and must cost nothing else then."""

import pickle
import sqlite3
from collections.abc import Callable
from typing import Final

from agent.store.errors import translating
from agent.store.log import Log
from agent.store.reader import NEWEST

# What comes of putting something into the tables that is not what was written; trouble of the disk is a StorageError.
ROTTEN: Final = (sqlite3.Error, ValueError, TypeError, LookupError, ArithmeticError, pickle.UnpicklingError)


def attempt(log: Log, change: Callable[[Log], None]) -> Exception | None:
    """Do *change* whole or not at all, in a transaction in which others write as well; why it cannot be done.

    Raises:
        StorageError: The disk does not do it.
    """
    log.db.execute("SAVEPOINT attempt")
    try:
        with translating(log.path):
            change(log)
    except ROTTEN as error:
        log.db.execute("ROLLBACK TO attempt")
        log.db.execute("RELEASE attempt")
        log.names.forget()
        log.reread(0, NEWEST)
        return error
    log.db.execute("RELEASE attempt")
    return None
