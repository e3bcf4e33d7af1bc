"""What a job leaves for its next run."""

from dataclasses import dataclass

from agent.jobs.memory import JobMemory


@dataclass(slots=True)
class Kept:
    """A job's state."""

    runs: int = 0


def test_a_run_after_another_goes_on_with_the_very_state() -> None:
    """Reading it again would cost a run of many tags a twentieth of its time."""
    memory, kept = JobMemory(Kept), Kept(3)

    assert memory.resumed(memory.left(kept)) is kept


def test_a_run_that_is_repeated_begins_with_what_the_store_keeps() -> None:
    """The first attempt has changed its state and then failed, say because the disk was full."""
    memory = JobMemory(Kept)
    state = memory.left(Kept(3))
    memory.resumed(state).runs = 99

    assert memory.resumed(state) == Kept(3)


def test_a_state_that_is_not_this_process_s_last_is_read() -> None:
    """The run after was kept by another worker, or this one's was not kept at all."""
    memory = JobMemory(Kept)
    older = memory.encode(Kept(2))
    memory.left(Kept(3))

    assert memory.resumed(older) == Kept(2)
    assert memory.resumed(None) == Kept(0)
