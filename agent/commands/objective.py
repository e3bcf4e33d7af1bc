"""What `optimise --compare` is to make small besides the energy: one we have, or a function in a file of one's own."""

import importlib.util
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from agent.cli import ENERGY, EVEN_LOAD
from analytics.dispatch.metaheuristics import Objective, Ways, even_load
from analytics.dispatch.pump import Array

NAMED: Mapping[str, Objective | None] = {ENERGY: None, EVEN_LOAD: even_load}


class ObjectiveError(Exception):
    """There is no such objective, or it gives what nothing can be compared by; a person must mend it."""


def objective_of(said: str) -> Objective | None:
    """The objective of a name, or of FILE.py:FUNCTION, which takes `Ways` of k rows and gives kW, shape (k,), from 0.

    Raises:
        ObjectiveError: There is none of that name, in that file.
    """
    if said in NAMED:
        return NAMED[said]
    path, _, name = said.rpartition(":")
    if not path.endswith(".py"):
        names = ", ".join(f'"{known}"' for known in NAMED)
        raise ObjectiveError(f"--objective {said}: there is none of that name; write {names} or FILE.py:FUNCTION")
    spec = importlib.util.spec_from_file_location("own_objective", Path(path).resolve())
    if spec is None or spec.loader is None or not Path(path).is_file():
        raise ObjectiveError(f"--objective {said}: there is no file {path}; correct its path")
    module = importlib.util.module_from_spec(spec)
    with _told(path, f"--objective {said}: {path} cannot be imported"):
        spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        raise ObjectiveError(f"--objective {said}: {path} has no function {name!r}; correct its name")

    def judged(ways: Ways) -> Array:
        with _told(path, f"--objective {said}: {name} fails"):
            found = np.asarray(function(ways), dtype=float)
        if found.shape != (len(ways.runs),) or not np.all(np.isfinite(found) & (found >= 0.0)):
            want = f"{len(ways.runs)} numbers from 0 upwards, kW, one for each row of ways.runs"
            raise ObjectiveError(f"--objective {said}: gives {_shown(found)} instead of {want}")
        return found

    return judged


@contextmanager
def _told(path: str, what: str) -> Iterator[None]:
    """Whatever a person's own file raises, which may be anything, as a sentence with the line of that file."""
    try:
        yield
    except Exception as error:
        own = str(Path(path).resolve())
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
        place = f" (line {lines[-1]})" if lines else ""  # a file that cannot be read as Python says its line itself
        raise ObjectiveError(f"{what}: {type(error).__name__}: {error}{place}") from error


def _shown(found: Array) -> str:
    if found.ndim != 1 or not found.size:
        return f"shape {found.shape}"
    return f"{found.size} numbers from {found.min():g} to {found.max():g}"
