"""Processor time per reading of decoding a full block; run as ``python -m tests.benchmarks.decode``."""

import random
import struct
import time
from collections.abc import Mapping

from drivers.registers import plan
from drivers.settings import ModbusTagSettings

ROUNDS = 7
REPEATS = 2000
NUMBER = random.Random(2)


def tags(count: int, words: int, **settings: object) -> list[ModbusTagSettings]:
    """Neighbouring tags of the same kind."""
    return [
        ModbusTagSettings.model_validate({"name": f"plc.t{index}", "address": f"holding:{words * index}", **settings})
        for index in range(count)
    ]


def cost(points: list[ModbusTagSettings], data: bytes) -> float:
    """The best of some rounds, ns per reading."""
    (block,) = plan(points, base=0, limit=125, max_hole=0)
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time_ns()
        for _ in range(REPEATS):
            block.decode(data, 1_700_000_000_000)
        best = min(best, (time.process_time_ns() - began) / REPEATS / len(points))
    return best


def main() -> None:
    """Print a line for each kind of block."""
    whole = NUMBER.randbytes(250)
    floats = struct.pack(">62f", *(NUMBER.uniform(1, 100) for _ in range(62)))
    swapped = b"".join(floats[index + 2 : index + 4] + floats[index : index + 2] for index in range(0, len(floats), 4))
    kinds: Mapping[str, tuple[list[ModbusTagSettings], bytes]] = {
        "uint16": (tags(125, 1), whole),
        "uint16, scaled by 0.1": (tags(125, 1, scale=0.1), whole),
        "int16, scaled, with a sentinel": (tags(125, 1, type="int16", scale=0.1, sentinels=[32_767]), bytes(250)),
        "the same, 7 of 125 without a sensor": (
            tags(125, 1, type="int16", scale=0.1, sentinels=[32_767]),
            b"\x7f\xff" * 7 + bytes(236),
        ),
        "float32": (tags(62, 2, type="float32"), floats),
        "float32, words exchanged": (tags(62, 2, type="float32", order="CDAB"), swapped),
        "float32, with a valid range": (tags(62, 2, type="float32", valid_min=0, valid_max=200), floats),
    }
    for kind, (points, data) in kinds.items():
        print(f"{kind:38s} {cost(points, data):6.0f} ns a reading")


if __name__ == "__main__":
    main()
