"""Asking for values each period, where a server does not report them by itself."""

import logging
import time
from collections.abc import Sequence

from drivers.opcua.items import Item, Sample
from drivers.opcua.nodes import ask, chunks, most_nodes, wishes
from drivers.opcua.session import Session
from drivers.reading import Quality, Reading, now_ms

log = logging.getLogger(__name__)


class Polling:
    """The items of one server, read when they are due."""

    def __init__(self, session: Session, items: Sequence[Item], review_period: float) -> None:
        self._session = session
        self._items = items
        self._review_period = review_period
        self.took = 0.0  # s, for all that was asked for last

    async def open(self) -> None:
        """Ask for no value yet: the first poll does."""
        self._wishes = wishes(self._items)
        self._most = await most_nodes(self._session)
        self._review_due = time.monotonic() + self._review_period

    async def read(self, tick: int) -> list[Reading]:
        """Ask for the nodes that are due."""
        if time.monotonic() >= self._review_due:
            self._review_due = time.monotonic() + self._review_period
            await self._session.review()
        began = time.monotonic()
        found: list[Reading] = []
        for some in chunks([item for item in self._items if item.is_due(tick)], self._most):
            known = [item for item in some if item in self._wishes]
            asked_ms = now_ms()
            samples = await ask(self._session, [self._wishes[item] for item in known])
            answered_ms = now_ms()
            for item, sample in zip(known, samples, strict=True):
                self._take(item, sample, (asked_ms + answered_ms) // 2)
            for item in some:
                found += item.readings(tick, answered_ms, answered_ms, None)
        self.took = time.monotonic() - began
        return found

    def _take(self, item: Item, sample: Sample, now_ms: int) -> None:
        if not sample.status or "NodeId" not in sample.status_name:
            item.fault = None
            item.answer(sample, now_ms)
            return
        fault = Quality.CONFIGURATION_ERROR, f"unknown node {item.tag.node} ({sample.status_name})"
        if fault != item.fault:
            log.warning("%s: %s (%s)", self._session, fault[1], item.tag.name)
        item.fault = fault
