"""Whatever happens to the log, in any order, it reads as a plain list does."""

import shutil
import tempfile
from contextlib import ExitStack
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.store.columns import columns
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.retention import drop_span
from agent.store.rows import Rows, sealed_upto
from agent.store.schema import migrate
from agent.store.sealed_rows import keep_block, sweep
from agent.store.sealing import sealed
from agent.store.settings import StorageSettings
from agent.store.zones import Span
from drivers.reading import Reading, Value

HOUR_MS = 3_600_000
TAGS = "abc"

values = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=3), st.floats(-1e9, 1e9))
readings = st.lists(
    st.builds(
        Reading,
        st.sampled_from(TAGS),
        st.integers(0, 5).map(lambda n: 1_000 * n),
        values,
        st.sampled_from([0, 64, 192]),
        st.sampled_from([None, "no sensor", "late"]),
    ),
    min_size=1,
    max_size=6,
)


class Kept(NamedTuple):
    """A row of the plain list."""

    id: int
    reading: Reading
    is_imported: bool


class LogMachine(RuleBasedStateMachine):
    """A log beside a list; each batch lies hours from the one before, so that it is a span of its own."""

    @initialize()
    def begin(self) -> None:
        self.held = ExitStack()
        self.folder = Path(self.held.enter_context(tempfile.TemporaryDirectory()))
        self.path = self.folder / "log.db"
        migrate(self.path)
        self.log = self.held.enter_context(Log(self.path))
        self.plain: list[Kept] = []
        self.next_id = 1

    def teardown(self) -> None:
        if hasattr(self, "held"):
            self.held.close()

    @rule(batch=readings, hour=st.integers(0, 12), is_imported=st.booleans())
    def append(self, batch: list[Reading], hour: int, is_imported: bool) -> None:  # noqa: FBT001 - drawn by name
        """Late where the hour is one that has been."""
        batch = [one._replace(ts_ms=one.ts_ms + 3 * HOUR_MS * hour) for one in batch]
        with self.log.transaction():
            self.log.insert(batch, imported=is_imported)
        self.plain += [Kept(number, one, is_imported) for number, one in enumerate(batch, self.next_id)]
        self.next_id += len(batch)

    @rule(count=st.integers(1, 4))
    def seal(self, count: int) -> None:
        """Some spans at the beginning that are alike, but never the newest."""
        upto = sealed_upto(self.log.db)
        rows = self.log.db.execute("SELECT * FROM span WHERE first > ? ORDER BY first", (upto,)).fetchall()[:-1]
        spans = [Span(*row) for row in rows][:count]
        run = [
            span
            for place, span in takewhile(
                lambda pair: (
                    pair[1].imported == spans[0].imported
                    and (pair[0] == 0 or spans[pair[0] - 1].last + 1 == pair[1].first)
                ),
                enumerate(spans),
            )
        ]
        if run:
            block = sealed(Rows(self.log.db).between(run[0].first, run[-1].last), imported=run[0].imported)
            with self.log.transaction():
                assert keep_block(self.log, block)

    @rule()
    def sweep(self) -> None:
        with self.log.transaction():
            sweep(self.log)

    @rule()
    def retain(self) -> None:
        """The oldest leaves; nothing else does."""
        before = {row[0]: row for row in self.log.db.execute("SELECT first, last FROM span")}
        newest_ms = max((kept.reading.ts_ms for kept in self.plain), default=0)
        with self.log.transaction():
            rows = drop_span(self.log, StorageSettings(path=self.path, keep_days=0.1), newest_ms)
        after = {row[0] for row in self.log.db.execute("SELECT first FROM span")}
        gone = [span for first, span in before.items() if first not in after]
        assert rows == sum(last - first + 1 for first, last in gone)
        self.plain = [kept for kept in self.plain if not any(first <= kept.id <= last for first, last in gone)]

    @rule()
    def crash(self) -> None:
        """What is on the disk now is opened anew, without the checkpoint of a polite end."""
        copy = self.folder / f"{uuid4()}.db"
        shutil.copy(self.path, copy)
        shutil.copy(f"{self.path}-wal", f"{copy}-wal")
        self.path = copy
        self.log = self.held.enter_context(Log(copy))

    @precondition(lambda self: self.plain)
    @rule(tags=st.sets(st.sampled_from(TAGS), min_size=1), start=st.integers(0, 40), hours=st.integers(1, 20))
    def read(self, tags: set[str], start: int, hours: int) -> None:
        start_ms, end_ms = start * HOUR_MS, (start + hours) * HOUR_MS
        wanted = [k for k in self.plain if k.reading.tag in tags and start_ms <= k.reading.ts_ms < end_ms]
        numbers: dict[tuple[str, int], Value] = {(k.reading.tag, k.reading.ts_ms): k.reading.value for k in wanted}
        with Reader(self.path) as reader:
            assert [row.id for row in reader.window(tags, start_ms, end_ms)] == [kept.id for kept in wanted]
            found = columns(reader, tags, start_ms, end_ms)
        assert sum(len(column.times_ms) for column in found.values()) == len(numbers)
        for tag, column in found.items():
            assert column.times_ms.tolist() == sorted(ts_ms for name, ts_ms in numbers if name == tag)
            for ts_ms, value in zip(column.times_ms.tolist(), column.values.tolist(), strict=True):
                expected = numbers[tag, ts_ms]
                assert value != value if expected is None or isinstance(expected, str) else value == float(expected)  # noqa: PLR0124

    @rule(mark=st.integers(0, 30), limit=st.integers(1, 9))
    def read_on(self, mark: int, limit: int) -> None:
        behind = [kept for kept in self.plain if kept.id > mark]
        with Reader(self.path) as reader:
            assert [row.id for row in reader.after(mark, limit)] == [kept.id for kept in behind[:limit]]
            some = [kept.id for kept in behind if kept.reading.tag != "a"]
            assert [row.id for row in reader.after(mark, limit, ["b", "c"])] == some[:limit]
            live = [kept.id for kept in behind if not kept.is_imported]
            assert [row.id for row in reader.appended(mark + 1, 10_000, limit)] == live[:limit]

    @invariant()
    def everything_is_there(self) -> None:
        if not hasattr(self, "plain"):
            return
        with Reader(self.path) as reader:
            rows = reader.after(0, 10_000)
        assert [repr((row.id, Reading(*row[1:]))) for row in rows] == [repr((k.id, k.reading)) for k in self.plain]


LogMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=25)

TestLog = LogMachine.TestCase
