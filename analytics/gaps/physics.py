"""What a pump's laws say of one quantity by the others, as columns that a regression may weigh like any companion.

The laws hold up to constants that nobody has told us: efficiency, wear, the bore of a meter. The regression finds
them from the tag's own past; what the pumps' learnt curves say comes as one more column.
"""

import numpy as np

from analytics.gaps.gap import Floats


def flow_columns(head: Floats, speeds: Floats, powers: Floats) -> Floats:
    """What tells the flow of a header, shape (n, 3 pumps).

    Of each pump P/H, since P η = 9.81 Q H / 3600; and from H = a n² - b Q², near a duty point, n and H/n.

    Args:
        head: Of the header, m, shape (n,).
        speeds: Relative, 0 while stopped, shape (n, pumps).
        powers: kW, shape (n, pumps).
    """
    high = head[:, None]
    return np.concatenate([_ratio(powers, high), speeds, _ratio(high * np.ones_like(speeds), speeds)], axis=1)


def head_columns(flow: Floats, speeds: Floats, powers: Floats) -> Floats:
    """What tells the head of a header, shape (n, 2 pumps + 1).

    H = a n² - b Q², and H = 3600 P η / (9.81 Q).

    Args:
        flow: Of the header, m³/h, shape (n,).
        speeds: Relative, shape (n, pumps).
        powers: kW, shape (n, pumps).
    """
    return np.concatenate([speeds**2, _ratio(powers, flow[:, None]), flow[:, None] ** 2], axis=1)


def power_columns(flow: Floats, head: Floats, speed: Floats) -> Floats:
    """What tells the power of one pump, shape (n, 4): Q H, n³, n² Q and n (affinity laws).

    Args:
        flow: Of its header, m³/h, shape (n,).
        head: Of its header, m, shape (n,).
        speed: Its own, relative, shape (n,).
    """
    return np.column_stack([flow * head, speed**3, speed**2 * flow, speed])


def _ratio(above: Floats, below: Floats) -> Floats:
    """0 where *below* is: a stopped pump adds nothing; NaN stays."""
    below = np.broadcast_to(below, above.shape)
    found = np.zeros_like(above)
    np.divide(above, below, out=found, where=(below != 0) | np.isnan(below))
    return found
