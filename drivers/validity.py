"""Until when a certificate is good, said while there is still time to renew it."""

from datetime import UTC, datetime, timedelta
from typing import Final

SOON: Final = timedelta(days=30)  # before its end a certificate is worth a warning


def expiry(what: str, ends: datetime, remedy: str, now: datetime) -> str | None:
    """A sentence, where the certificate called *what* has ended or soon will."""
    left = ends - now
    if left > SOON:
        return None
    day = ends.astimezone(UTC).date()
    if left < timedelta(0):
        return f"{what} expired on {day}; {remedy}"
    return f"{what} expires on {day}, in {left.days} days; {remedy}"
