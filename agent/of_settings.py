"""What is worked out of the settings once: they are as they are until others come."""

from collections.abc import Callable
from typing import Generic, TypeVar

from agent.settings import AgentSettings

Found = TypeVar("Found")


class OfSettings(Generic[Found]):
    """What *make* makes of the settings that were asked about last; nobody may change it."""

    def __init__(self, make: Callable[[AgentSettings], Found]) -> None:
        self._make = make
        self._last: tuple[AgentSettings, Found] | None = None

    def __call__(self, settings: AgentSettings) -> Found:
        """The same object for the same settings."""
        last = self._last
        if last is None or last[0] is not settings:
            last = self._last = settings, self._make(settings)
        return last[1]
