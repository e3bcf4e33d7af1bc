"""Tasks that run as the settings ask, and are left alone where nothing concerns them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import pytest

from agent.crew import Crew, Post


def worker(journal: list[str], name: str) -> Callable[[], Coroutine[Any, Any, NoReturn]]:
    """A task that says when it begins and when it has ended."""

    async def work() -> NoReturn:
        journal.append(f"{name} begins")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # saying goodbye takes a moment
            journal.append(f"{name} ends")
        raise AssertionError

    return work


async def test_only_the_tasks_whose_settings_changed_begin_anew() -> None:
    """An untouched device is not interrupted by a change of another."""
    journal: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        crew = Crew(tasks)
        await crew.man({name: Post(1, worker(journal, name)) for name in ("a", "b", "gone")})
        await asyncio.sleep(0)
        journal.clear()

        changed = await crew.man(
            {
                "a": Post(1, worker(journal, "a")),
                "b": Post(2, worker(journal, "b")),
                "new": Post(1, worker(journal, "new")),
            }
        )
        await asyncio.sleep(0)
        seen = list(journal)
        await crew.dismiss()

    assert changed == ["b", "gone", "new"]
    assert seen == ["b ends", "gone ends", "b begins", "new begins"]


async def test_a_task_has_ended_before_the_one_in_its_place_begins() -> None:
    """Two clients of one name at the broker would throw each other out for ever."""
    journal: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        crew = Crew(tasks)
        for key in (1, 2):
            await crew.man({"publisher": Post(key, worker(journal, "publisher"))})
            await asyncio.sleep(0)
        await crew.dismiss()

    assert journal == ["publisher begins", "publisher ends"] * 2


async def test_a_bug_in_a_task_ends_the_group() -> None:
    async def broken() -> NoReturn:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as tasks:
            await Crew(tasks).man({"a": Post(1, broken)})

    assert caught.group_contains(ZeroDivisionError)
