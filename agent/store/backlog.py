"""What an outage held back for one receiver, as ranges of ids."""

from collections import deque
from collections.abc import Iterable

from agent.store.places import merged


class Backlog:
    """Oldest first; what has changed on the disk since it was handed out follows once all else has landed.

    Args:
        places: First and last ids.
        behind: Rows among them.
    """

    def __init__(self, places: Iterable[tuple[int, int]] = (), behind: int = 0) -> None:
        self._places = deque(places)
        self._again: list[tuple[int, int]] = []
        self.behind = behind  # rows that the receiver does not have yet

    @property
    def has_again(self) -> bool:
        """Whether something is to follow."""
        return bool(self._again)

    def places(self) -> list[tuple[int, int]]:
        """All there is, in order, each id once."""
        return merged([*self._places, *self._again])

    def after(self, mark: int) -> tuple[int, int] | None:
        """The oldest range that goes on after *mark*, of what does not have to follow."""
        return next((one for one in self._places if one[1] > mark), None)

    def again(self, first: int, last: int) -> None:
        """Rows have been changed on the disk: they follow what else is held back."""
        self._again.append((first, last))
        self.behind += last - first + 1

    def turn(self) -> None:
        """All else has landed: what is to follow is what there is."""
        self._places, self._again = deque(merged(self._again)), []
        self.behind = sum(last - first + 1 for first, last in self._places)

    def forget(self, last: int) -> bool:
        """Drop what is held back up to *last*; whether that was anything."""
        is_changed = False
        while self._places and self._places[0][0] <= last:
            _, end = self._places.popleft()
            if end > last:
                self._places.appendleft((last + 1, end))
            is_changed = True
        return is_changed
