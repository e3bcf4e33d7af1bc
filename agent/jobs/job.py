"""What a job is given and what it gives back; it runs in the worker process and writes nothing itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agent.settings import AgentSettings
from agent.store.reader import Reader
from agent.store.records import Filled, Record, Stretch
from agent.store.rolled import RolledPage
from agent.store.sealed import SealedBlock


@dataclass(frozen=True, slots=True)
class JobContext:
    """Everything a job may look at.

    Live, `now_ms` is the wall clock; over imported history an instant of it, and nothing newer is seen.
    """

    settings: AgentSettings
    reader: Reader  # sees the log up to its horizon and nothing newer
    mark: int  # id of the last row the job's previous run has read; 0 at first
    state: bytes | None  # what the previous run left for itself
    now_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found; kept in one transaction together with its new mark and state."""

    mark: int
    state: bytes | None = None
    filled: Sequence[Filled] = ()
    unfilled: Sequence[Stretch] = ()  # where filled values give way, before `filled` is kept
    records: Sequence[Record] = ()
    rolled: Sequence[RolledPage] = ()  # take the place of older ones
    sealed: SealedBlock | None = None  # takes the place of its rows in the log
    reached: tuple[int, int] | None = None  # time and id, where the log is gone through in the order of time
    counts: Mapping[str, int] = field(default_factory=dict)  # for status and the demo's summary
    doubt: str | None = None  # which tags were hardly measured in what it looked at


class Job(Protocol):
    """A job is a function, so that a run can be repeated from the same mark with the same result."""

    def __call__(self, context: JobContext) -> Outcome:
        """Look at what is new since the mark."""
