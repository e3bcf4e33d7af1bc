"""What a pump's laws say of one quantity by the others, as columns that a regression may weigh like any companion.

The laws hold up to constants that nobody has told us: efficiency, wear, the bore of a meter. The regression finds
them from the tag's own past; where the pumps' learnt curves are given, these come as one more column.
"""

from collections.abc import Callable, Sequence

import numpy as np

from analytics.gaps.gap import Floats

Curve = Callable[[Floats, Floats], Floats]  # of head (m) or flow (m³/h), and relative speed


def flow_columns(head: Floats, speeds: Floats, powers: Floats, curves: Sequence[Curve] = ()) -> Floats:
    """What tells the flow of a header, shape (n, 3 pumps) and one more column where *curves* are given.

    Of each pump P/H, since P η = 9.81 Q H / 3600; and from H = a n² - b Q², near a duty point, n and H/n.

    Args:
        head: Of the header, m, shape (n,).
        speeds: Relative, 0 while stopped, shape (n, pumps).
        powers: kW, shape (n, pumps).
        curves: Flow of each pump by head and speed, where they are known.
    """
    high = head[:, None]
    columns = [_ratio(powers, high), speeds, _ratio(high * np.ones_like(speeds), speeds)]
    if curves:
        flows = [curve(head, speed) for curve, speed in zip(curves, speeds.T, strict=True)]
        columns.append(np.sum(flows, axis=0)[:, None])
    return np.concatenate(columns, axis=1)


def head_columns(flow: Floats, speeds: Floats, powers: Floats, curves: Sequence[Curve] = ()) -> Floats:
    """What tells the head of a header, shape (n, 2 pumps + 1) and a column a pump where *curves* are given.

    H = a n² - b Q², and H = 3600 P η / (9.81 Q).

    Args:
        flow: Of the header, m³/h, shape (n,).
        speeds: Relative, shape (n, pumps).
        powers: kW, shape (n, pumps).
        curves: Head of each pump by flow and speed, if it ran alone.
    """
    columns = [speeds**2, _ratio(powers, flow[:, None]), flow[:, None] ** 2]
    columns += [curve(flow, speed)[:, None] for curve, speed in zip(curves, speeds.T, strict=False)]
    return np.concatenate(columns, axis=1)


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
