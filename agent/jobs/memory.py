"""What a job leaves for its next run, as JSON; a job whose state cannot be read begins afresh."""

from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

State = TypeVar("State")


class JobMemory(Generic[State]):
    """Keeps the state of one job.

    Args:
        kind: The state's dataclass; made without arguments it is that of a job that has never run.
    """

    def __init__(self, kind: type[State]) -> None:
        self._kind = kind
        self._states = TypeAdapter(kind)
        self._last: tuple[bytes, State] | None = None

    def restored(self, state: bytes | None) -> State:
        """What an earlier run left; a fresh start where there is nothing, or nothing that this version reads."""
        try:
            return self._states.validate_json(state) if state else self._kind()
        except ValidationError:
            return self._kind()

    def resumed(self, state: bytes | None) -> State:
        """The same for the job itself, which may change it: where that run was this process's last, nothing is read.

        It is given away once, so that a run that is repeated begins with what the store keeps.
        """
        last, self._last = self._last, None
        return last[1] if last and last[0] == state else self.restored(state)

    def encode(self, kept: State) -> bytes:
        """The state as the store keeps it."""
        return self._states.dump_json(kept)

    def left(self, kept: State) -> bytes:
        """The same of a job that is done with it and resumes there."""
        state = self.encode(kept)
        self._last = state, kept
        return state
