"""Filled values as messages, where the configuration asks for them: never good, and always with how they were made."""

from collections.abc import Sequence
from typing import TypeVar

from agent.mqtt.payloads import Readings
from agent.store.records import Filled, Record, Stretch
from drivers.reading import Quality

T = TypeVar("T")


def estimate_records(
    filled: Sequence[Filled], withdrawn: Sequence[Stretch], now_ms: int, batch_size: int
) -> list[Record]:
    """What `<root>/readings` says of values that were filled, and of stretches whose values gave way to measured ones.

    Withdrawn first, as the store does it: what is filled anew in the same place then stands.
    """
    messages = []
    for gone in _parts(withdrawn, batch_size):
        void = tuple((one.tag, one.start_ms, one.end_ms) for one in gone)
        messages.append(Readings(count=0, rows=(), filled=True, withdrawn=void))
    for part in _parts(filled, batch_size):
        rows = tuple((one.tag, one.ts_ms, one.value, int(Quality.UNCERTAIN)) for one in part)
        messages.append(Readings(count=len(rows), rows=rows, filled=True, reasons=tuple(map(_reason, part))))
    return [Record("filled", "", now_ms, message.encode()) for message in messages]


def _reason(one: Filled) -> str:
    return f"filled: {one.method}, sd {one.std:.4g}"


def _parts(found: Sequence[T], size: int) -> list[Sequence[T]]:
    return [found[begin : begin + size] for begin in range(0, len(found), size)]
