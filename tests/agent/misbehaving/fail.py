"""A job with a bug, which prints before it fails."""

from agent.jobs.job import JobContext, Outcome


def run(context: JobContext) -> Outcome:
    print("a library that talks to standard output")  # noqa: T201 - that is what it is here for
    raise ZeroDivisionError(f"a bug at {context.now_ms}")
