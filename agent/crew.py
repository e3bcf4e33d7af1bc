"""The endless tasks of the process: as many, and as configured, as the present settings ask for."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn


@dataclass(frozen=True, slots=True)
class Post:
    """A task that should be running."""

    key: object  # all of the settings that it depends on: while this is equal, the task goes on undisturbed
    work: Callable[[], Coroutine[Any, Any, NoReturn]]


class Crew:
    """Who is at which post.

    Args:
        tasks: The group that they belong to; a task that fails ends it.
    """

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._at: dict[str, tuple[object, asyncio.Task[NoReturn]]] = {}

    async def man(self, posts: Mapping[str, Post]) -> list[str]:
        """Let exactly *posts* be manned; the names of those that had to change.

        A task whose post is gone or has another key is cancelled and has ended before any is begun,
        so that no two ever hold the same connection.
        """
        leaving = [name for name, (key, _) in self._at.items() if name not in posts or posts[name].key != key]
        await self._dismiss(leaving)
        coming = [name for name in posts if name not in self._at]
        for name in coming:
            self._at[name] = posts[name].key, self._tasks.create_task(posts[name].work(), name=name)
        return sorted({*leaving, *coming})

    async def dismiss(self) -> None:
        """End all."""
        await self._dismiss(list(self._at))

    async def _dismiss(self, names: list[str]) -> None:
        leaving = [self._at.pop(name)[1] for name in names]
        for task in leaving:
            task.cancel()
        if leaving:
            await asyncio.wait(leaving)
