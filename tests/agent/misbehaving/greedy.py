"""A job that wants all the memory there is."""

from agent.jobs.job import JobContext, Outcome


def run(_context: JobContext) -> Outcome:
    return Outcome(mark=len([bytearray(2**20) for _ in range(100_000)]))
