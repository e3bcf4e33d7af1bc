"""What it costs beside energy that a pump has run longer than others: the same in advice and schedule."""

from collections.abc import Mapping

_BALANCED = 1_000.0  # h, to which the cost of balance belongs


def hour_costs(hours: Mapping[str, float], balance_cost: float) -> dict[str, float]:
    """Money an hour by which each pump of a header is dearer than its least-run one.

    Args:
        hours: That each has run.
        balance_cost: Money an hour for each 1000 h more.
    """
    least = min(hours.values(), default=0.0)
    return {pump: balance_cost * (each - least) / _BALANCED for pump, each in hours.items()}


def as_power(money: float, price: float) -> float:
    """Money an hour as the power, kW, that costs as much at *price* a kWh; nothing where energy has no price."""
    return money / price if price > 0 else 0.0
