"""A job whose first result rests on little."""

from agent.jobs.job import JobContext, Outcome


def run(context: JobContext) -> Outcome:
    """Doubt at first, and none afterwards."""
    is_first = context.state is None
    return Outcome(mark=0, state=b"seen", doubt="flow was known in 10% of the time" if is_first else None)
