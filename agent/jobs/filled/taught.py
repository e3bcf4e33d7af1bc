"""What may tell of the tags that a run fills by `auto`, as the other jobs have left it in the log."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent.jobs.filled.past import Past
from agent.jobs.filled.silence import Silence
from agent.jobs.filled.sources import Sources, sources_of
from agent.jobs.job import JobContext
from agent.jobs.learnt.state import models_from_state
from agent.jobs.running import thresholds
from agent.roles import Tag


def sources_for(
    context: JobContext, found: Mapping[str, Sequence[Silence]], known: Mapping[str, Tag]
) -> dict[str, Sources]:
    """Of each tag with gaps *found*: its part in the plant, its pumps' curves as last learnt, and its own past."""
    if not found:
        return {}
    reader = context.reader
    models = models_from_state(reader.job_state("curves")[1])
    limits = thresholds(reader.job_state("running")[1])
    return {
        name: replace(
            sources_of(context.settings, name).taught(models, limits), past=Past.read(reader, known[name], gaps)
        )
        for name, gaps in found.items()
    }
