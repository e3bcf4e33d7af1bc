"""Certificates end on a day that is known for years, and stop a station on that day all the same."""

from datetime import UTC, datetime, timedelta

from drivers.validity import expiry


def test_the_end_of_a_certificate_is_announced_30_days_ahead() -> None:
    """And not before; after it, it is told as what it is."""
    ends = datetime(2027, 3, 1, 12, tzinfo=UTC)

    def at(days: float) -> str | None:
        return expiry("ours", ends, "renew it", ends - timedelta(days=days))

    assert at(30.1) is None
    assert at(29.5) == "ours expires on 2027-03-01, in 29 days; renew it"
    assert at(-0.1) == "ours expired on 2027-03-01; renew it"
