"""When works keep a pump from running."""

from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from agent.plant import PumpSettings
from agent.tariff import instant_ms


def is_out(pump: PumpSettings, times_ms: NDArray[np.int64], lasting_ms: int, zone: ZoneInfo) -> NDArray[np.bool_]:
    """Whether *pump* is worked on at some time of each step, shape (n,).

    Args:
        pump: The pump.
        times_ms: When each step begins, (n,).
        lasting_ms: How long a step is.
        zone: The station's.
    """
    found = np.zeros(len(times_ms), np.bool_)
    for begin, end in pump.maintenance:
        found |= (times_ms < instant_ms(end, zone)) & (times_ms + lasting_ms > instant_ms(begin, zone))
    return found
