"""`pump-agent optimise`: the last known operation by every method, in one table."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli import ENERGY, EVEN_LOAD, MENDABLE, main
from agent.commands.front import front_json, front_table
from agent.commands.objective import ObjectiveError
from agent.commands.optimise import EXACT, RULE, Line, compared, lines_table
from agent.jobs import running
from agent.jobs.front import traded
from agent.jobs.job import JobContext
from analytics.dispatch.metaheuristics import KEPT, METHODS
from tests.agent.history import START_MS, History
from tests.agent.jobs.test_dispatch import UNEVEN, learnt_station, operate


@pytest.fixture
def past(tmp_path: Path) -> Iterator[History]:
    """Two pumps that have run at unequal speeds for five minutes."""
    with learnt_station(tmp_path) as found:
        operate(found, UNEVEN, 5)
        found.perform("running", running.run, START_MS + 300_000)
        yield found


def test_every_method_is_in_the_table_and_none_beats_the_bound(past: History) -> None:
    """Those that begin with the exact answer end no worse; a rule may, and says what it breaks."""
    with past.reader() as reader:
        lines = {line.method: line for line in compared(past.settings, reader, everything=True)}

    assert set(lines) == {EXACT, RULE, *METHODS}
    exact = lines[EXACT]
    for method in METHODS:
        found = lines[method]
        assert found.violation is not None
        assert found.violation < KEPT
        assert found.cost_kw is not None
        assert exact.cost_kw is not None
        assert found.cost_kw <= exact.cost_kw + 0.002
        assert found.gap is not None
        assert found.gap > -1e-5
    assert exact.took_ms is not None


def test_another_objective_begins_with_the_exact_answer_for_energy(past: History) -> None:
    """Its cost is that of its even loads too, and the bound for energy is none below it."""
    with past.reader() as reader:
        (plain,), (even,) = (
            list(compared(past.settings, reader, everything=False, objective=one)) for one in (ENERGY, EVEN_LOAD)
        )

    assert (even.method, even.pumps) == (EXACT, plain.pumps)
    assert even.cost_kw == pytest.approx(plain.cost_kw, abs=0.01)  # two equal pumps share evenly as it is
    assert even.gap is not None
    assert even.gap >= 0.0


def test_an_objective_of_ones_own_moves_the_others(past: History, tmp_path: Path) -> None:
    """A function that wants six tenths of the flow from one pump, where two equal ones share it evenly for energy."""
    (tmp_path / "mine.py").write_text(
        "def more_by_a(ways):\n"
        "    total = ways.flows.sum(axis=1)\n"
        "    return 0.5 * abs(ways.flows[:, ways.ids.index('a')] - 0.6 * total)\n"
    )
    with past.reader() as reader:
        lines = list(compared(past.settings, reader, everything=True, objective=f"{tmp_path}/mine.py:more_by_a"))

    cost = {line.method: line.cost_kw for line in lines}
    assert cost.keys() == {EXACT, *METHODS}
    exact = cost[EXACT]
    assert exact is not None
    assert all(found is not None and found < exact - 5.0 for method, found in cost.items() if method != EXACT)


@pytest.mark.parametrize(
    ("text", "said", "fact"),
    [
        ("", "even", 'there is none of that name; write "energy", "even load" or FILE.py:FUNCTION'),
        (None, "{}:f", "there is no file"),
        ("def f(ways) return 0", "{}:f", "cannot be imported: SyntaxError: expected ':' (mine.py, line 1)"),
        ("import nothing_of_that_name", "{}:f", "cannot be imported"),
        ("g = 7", "{}:g", "has no function 'g'"),
        ("def f(ways):\n    return 7.0", "{}:f", "gives shape () instead of"),
        ("def f(ways):\n    return -ways.powers[:, 0] - 1", "{}:f", "numbers from -"),
        ("def f(ways):\n    return ways.powers[:, 0] * float('nan')", "{}:f", "numbers from nan"),
        ("def f(ways):\n    return ways.powers[:, 0] * float('inf')", "{}:f", "to inf"),
        ("def f(ways):\n    return []", "{}:f", "gives shape (0,) instead of"),
        ("def f(ways):\n    return 'low'", "{}:f", "f fails: ValueError"),
        ("import json\ndef f(ways):\n    return json.loads('x')", "{}:f", "char 0) (line 3)"),
        (
            "def f(ways):\n    return ways.head",
            "{}:f",
            "f fails: AttributeError: 'Ways' object has no attribute 'head' (line 2)",
        ),
        ("{}['x']", "{}:f", "cannot be imported: KeyError: 'x' (line 1)"),
    ],
)
def test_an_objective_that_is_none_is_named(
    past: History, tmp_path: Path, text: str | None, said: str, fact: str
) -> None:
    path = tmp_path / "mine.py"
    if text is not None:
        path.write_text(text)
    with past.reader() as reader, pytest.raises(ObjectiveError, match=re.escape(fact)):
        list(compared(past.settings, reader, everything=True, objective=said.format(path)))


def test_without_compare_only_the_exact_answer_is_shown(past: History) -> None:
    """It takes milliseconds, the others seconds."""
    with past.reader() as reader:
        (line,) = compared(past.settings, reader, everything=False)

    assert (line.method, line.why) == (EXACT, None)
    assert line.pumps.startswith("a ")


def test_an_operation_that_is_not_known_is_said(tmp_path: Path) -> None:
    """No readings, no states: nothing to solve."""
    with learnt_station(tmp_path) as found, found.reader() as reader:
        lines = list(compared(found.settings, reader, everything=True))

    assert lines == [Line("main", EXACT, why="It is not known yet which pumps run.")]


def test_what_energy_costs_in_starts_and_pressure_is_shown(past: History) -> None:
    """Pressure is counted from the present one; one way is proposed, marked in the table, and said why."""
    with past.reader() as reader:
        fronts = list(traded(JobContext(past.settings, reader, 0, None, reader.extent[1])))

    (said,) = json.loads(front_json(fronts))
    table = front_table(fronts)
    assert said["points"][said["proposed"]]["gap"] < 1e-4
    assert table.count("<- proposed") == 1
    assert said["why"] in table
    assert len(table.splitlines()) == len(said["points"]) + 2


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            [],
            "there is no store at {folder}/none.db yet; start the agent (pump-agent run), or take history in (import)",
        ),
        (["--front", "--objective", EVEN_LOAD], "--objective says nothing to --front, which weighs energy, starts and"),
        (["--front", "--compare"], "argument --compare: not allowed with argument --front"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], told: str
) -> None:
    """Not an answer to something else."""
    path = tmp_path / "station.toml"
    device = (
        'name = "plc"\nprotocol = "modbus-tcp"\nhost = "192.0.2.1"\n[[device.tag]]\nname = "p"\naddress = "holding:0"'
    )
    path.write_text(f'[station]\nname = "north"\n[storage]\npath = "{tmp_path}/none.db"\n[[device]]\n{device}\n')

    assert status(["optimise", str(path), *more]) == MENDABLE
    assert told.format(folder=tmp_path) in capsys.readouterr().err.splitlines()[-1]


def status(arguments: list[str]) -> int | str | None:
    """With which the command line ends."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return ended.code


def test_a_gap_of_nothing_has_no_sign() -> None:
    """Rounding puts a method that is as good as the bound below it."""
    line = Line("main", "genetic", 120.39, -1e-7, 0.0, 3.0, "a 90.0%")

    assert " 0.00% " in lines_table([line])
    assert "-0" not in lines_table([line])
