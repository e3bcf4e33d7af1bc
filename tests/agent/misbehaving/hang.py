"""A job that never ends."""

import threading

from agent.jobs.job import JobContext, Outcome


def run(_context: JobContext) -> Outcome:
    threading.Event().wait()
    return Outcome(mark=0)
