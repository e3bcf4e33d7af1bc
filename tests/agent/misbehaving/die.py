"""A job that takes its process with it, as a segmentation fault or the out-of-memory killer does."""

import os
import signal

from agent.jobs.job import JobContext, Outcome


def run(_context: JobContext) -> Outcome:
    os.kill(os.getpid(), signal.SIGKILL)
    return Outcome(mark=0)
