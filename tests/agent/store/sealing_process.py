"""A process that appends, seals and sweeps until it is killed; ``python -m`` it with the database.

It prints the id of the newest row after each transaction that has returned.
"""

import sys
from pathlib import Path

from agent.store.log import Log
from agent.store.rows import Rows, sealed_upto
from agent.store.sealed_rows import keep_block, sweep
from agent.store.sealing import sealed
from drivers.reading import Reading

HOUR_MS = 3_600_000


def reading(number: int) -> Reading:
    """What the row with this id says: a span is 200 rows."""
    return Reading("abcd"[number % 4], 2 * HOUR_MS * ((number - 1) // 200) + number, number / 10, 192)


def main(path: Path) -> None:
    """Go on for ever."""
    with Log(path) as log:
        while True:
            for _ in range(5):
                start = log.last_id + 1
                with log.transaction():
                    log.insert([reading(number) for number in range(start, start + 200)])
                sys.stdout.write(f"{log.last_id}\n")
                sys.stdout.flush()
            with log.transaction():
                first, last = log.db.execute(
                    "SELECT min(first), max(last) FROM span WHERE first > ? AND first < (SELECT max(first) FROM span)",
                    (sealed_upto(log.db),),
                ).fetchone()
            block = sealed(Rows(log.db).between(first, last), imported=0)
            with log.transaction():
                keep_block(log, block)
            with log.transaction():
                sweep(log)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
