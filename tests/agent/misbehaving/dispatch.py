"""Advice that cannot be worked out, because of a bug."""

from agent.jobs.job import JobContext, Outcome


def run(_context: JobContext) -> Outcome:
    raise ZeroDivisionError("no pumps")
