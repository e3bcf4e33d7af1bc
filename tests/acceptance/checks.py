"""Findings of a measurement, printed as they come."""


class Checks:
    """Prints each finding, and remembers whether all held."""

    def __init__(self) -> None:
        self.failed = 0

    def __call__(self, claim: str, holds: bool, figures: str) -> None:  # noqa: FBT001 - a finding is true or not
        """Print one finding."""
        self.failed += not holds
        print(f"{'holds' if holds else 'FAILS'}  {claim}: {figures}", flush=True)
