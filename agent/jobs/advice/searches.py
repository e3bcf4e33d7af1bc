"""What may be searched at each header now: its pumps, what is asked of them, and in which limits."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from agent import tariff
from agent.jobs.advice.situation import Header, NotKnownError, situation
from agent.jobs.curves import models_from_state
from agent.jobs.job import JobContext
from analytics.dispatch.breach import unserved
from analytics.dispatch.operation import objection, standstill
from analytics.dispatch.proposal import SEED, Search
from analytics.dispatch.saving import Sample
from analytics.dispatch.system import System

REACH = 0.0  # share by which what was learnt may be left: nothing is proposed that no pump was seen to do


def searches(context: JobContext) -> Iterator[tuple[str, Search | str]]:
    """Each header with pumps, and what is searched there or why that is not known."""
    settings = context.settings
    models = models_from_state(context.reader.job_state("curves")[1])
    price = tariff.price(settings.tariff, context.now_ms, ZoneInfo(settings.station.time_zone))
    for each in settings.headers:
        header = Header(context, each)
        if not header.pumps:
            continue
        try:
            found = situation(header, models.get(each.id), price, None)
        except NotKnownError as error:
            yield each.id, str(error)
            continue
        why = objection(found.operation, found.model, found.limits, found.histories) or found.alarm or found.unpaid
        why = why or unserved(found)
        why = why or (None if found.operation.speeds else standstill(found.operation, found.model, found.limits))
        if why is not None or found.model is None:
            yield each.id, why or "No curves have been learnt yet."
            continue
        system = None if found.operation.required is None else found.operation.required.system
        if isinstance(system, System) and system.own:
            yield each.id, "Ways are not compared, as with other pumps the system's curve is another one."
            continue
        search = Search(Sample.of(found.model, 2, SEED), found.operation, found.limits, found.holds)
        yield each.id, search.missing(search.candidates(REACH)) or search
