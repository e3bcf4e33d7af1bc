"""The month's peak that a schedule job left for itself."""

from dataclasses import replace
from pathlib import Path

from agent.jobs.plans.peak import MEMORY, peak_so_far
from tests.agent.jobs.plans.test_pressures import context


def test_a_peak_of_other_headers_is_not_believed(tmp_path: Path) -> None:
    """Nor one of which nobody knows whose it was; one of the same pumps is."""
    with context(tmp_path, "tank", {"inlet": 0.3}, {"suction_head": 2.0}) as now:
        usual = replace(peak_so_far(now), kw=310.0)
        kept, *others = (
            peak_so_far(replace(now, state=MEMORY.encode(replace(usual, headers=headers))))
            for headers in (usual.headers, "", "another")
        )

    assert usual.headers == "main"
    assert kept.kw == 310.0
    assert [other.kw for other in others] == [0.0, 0.0]
    assert {other.headers for other in others} == {"main"}
