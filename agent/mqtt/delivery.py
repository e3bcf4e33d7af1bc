"""The log to one receiver: live rows, and side by side with them what an outage held back."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NoReturn

from agent.mqtt.row_stream import RowStream
from agent.mqtt.settings import MqttSettings
from agent.store.delivery import Sink
from agent.store.records import Row


class Delivery:
    """Both streams of one connection, so that a kill repeats one batch in all.

    Args:
        sink: The receiver's place in the log, started.
        settings: Size of a batch, and how fast what was held back may go.
        live: Where live rows go.
        history: Where the others go.
    """

    def __init__(self, sink: Sink, settings: MqttSettings, live: RowStream, history: RowStream) -> None:
        self._sink = sink
        self._size = settings.batch_size
        self._rate = settings.history_rate
        self._live = live
        self._history = history
        sink.repeats = self._size

    def streams(
        self, offer: Callable[[Sequence[Row]], None], rest: Callable[[], None]
    ) -> dict[str, Coroutine[Any, Any, None]]:
        """What is to be run side by side.

        Args:
            offer: Called with live rows before they are sent.
            rest: Called when all that was held back has landed.
        """
        return {
            "live_answers": self._live.confirm(),
            "live": self._send_live(offer),
            "history_answers": self._history.confirm(),
            "history": self._send_history(rest),
        }

    async def _send_live(self, offer: Callable[[Sequence[Row]], None]) -> NoReturn:
        while True:
            batch = await self._sink.live(self._size)
            offer(batch.rows)
            await self._live.send(batch)

    async def _send_history(self, rest: Callable[[], None]) -> None:
        """Send what an outage held back, and what has changed since it was sent, no faster than allowed.

        Meanwhile each of the two streams has half a batch on its way, so that a crash repeats one in all.
        """
        loop = asyncio.get_running_loop()
        due, half = loop.time(), max(1, self._size // 2)
        while not self._history.is_denied:
            self._sink.repeats = half
            await self._sink.thinned()
            batch = await self._sink.backlog(half)
            if batch is None:
                self._sink.repeats = self._size
                rest()
                await self._sink.held_back()
                continue
            await self._history.send(batch)
            await self._history.landed()
            await self._sink.kept()  # before the next, so that a crash repeats one batch
            due = max(due, loop.time()) + len(batch.rows) / self._rate
            await asyncio.sleep(due - loop.time())
