"""What a long gap asks of the log beside its window."""

from pathlib import Path

import numpy as np
import pytest

from agent.jobs import rollup
from agent.jobs.filled.past import QUARTER_MS, Past
from agent.jobs.filled.silence import Silence
from agent.roles import known_tags
from tests.agent.history import START_MS, history

DAY_MS = 96 * QUARTER_MS
GAP_MS = START_MS + 15 * DAY_MS


@pytest.mark.parametrize(("ago_ms", "is_read"), [(14 * DAY_MS, True), (14 * DAY_MS + QUARTER_MS, False)])
def test_two_weeks_before_a_long_gap_are_read(tmp_path: Path, ago_ms: int, is_read: bool) -> None:  # noqa: FBT001 - of one case
    """A quarter of an hour two weeks before its first one is the oldest that has a say."""
    with history(tmp_path, {"x": {"unit": "m3/h", "fill": "auto", "period": 60}}) as past:
        past.series("x", np.full(15, 7.0), start_ms=GAP_MS - ago_ms, step_ms=60_000)
        past.series("x", np.full(60, 5.0), start_ms=GAP_MS + 2 * QUARTER_MS, step_ms=60_000)
        past.perform("rollup", rollup.run, GAP_MS + 8 * QUARTER_MS)
        tag = dict(known_tags(past.settings))["x"]
        with past.reader() as reader:
            found = Past.read(reader, tag, [Silence(GAP_MS, GAP_MS + 2 * QUARTER_MS)])

    assert found is not None
    assert (found.means == 7.0).any() == is_read


def test_a_short_gap_or_an_open_one_asks_for_no_weeks(tmp_path: Path) -> None:
    """Thousands of them end each day."""
    with history(tmp_path, {"x": {"unit": "m3/h", "fill": "auto", "period": 60}}) as past, past.reader() as reader:
        tag = dict(known_tags(past.settings))["x"]

        assert Past.read(reader, tag, [Silence(GAP_MS, GAP_MS + 2 * QUARTER_MS - 60_000)]) is None
        assert Past.read(reader, tag, [Silence(GAP_MS, GAP_MS + 2 * QUARTER_MS, is_closed=False)]) is None
