"""The saving job: which advice is followed, and what it saves by the meters against the operation before it."""

from collections.abc import Iterator
from zlib import crc32
from zoneinfo import ZoneInfo

import numpy as np

from agent import tariff
from agent.availability import Availability, doubt_of
from agent.jobs.job import JobContext, Outcome
from agent.jobs.learnt.state import models_from_state
from agent.jobs.receipts.cells import STEP_MS, HeaderCells, header_cells
from agent.jobs.receipts.records import followed, saving_record, verified
from agent.jobs.receipts.state import MEMORY, Count, End, HeaderSaving, SavingState
from agent.mqtt.payloads import Recommendation, RecommendationEvent
from agent.plant import HeaderSettings
from agent.settings import AgentSettings
from agent.store.records import Record
from analytics.curves.model import StationModel
from analytics.dispatch.measured import Baseline, Former, Met, baseline
from analytics.dispatch.saving import Sample

HOUR_MS = 3_600_000
AHEAD_MS = 24 * HOUR_MS  # by which a clock may be set back before what lies ahead is counted anew
LONGEST_MS = 6 * HOUR_MS  # that one run takes in; whoever has more catches up run by run
CELL_HOURS = STEP_MS / HOUR_MS
DRAWS = 100  # of stations that could be the true one
SEED = 20_260_301
EVENTS = 1_000  # of the journal that are read at once


def run(context: JobContext) -> Outcome:
    """Count what the advice that is followed has saved since the last run."""
    kept = MEMORY.restored(context.state)
    _hear(context, kept)
    start_ms, end_ms = _span(context, kept)
    records, seen = list(_released(context, kept)), list[Availability]()
    for header in context.settings.headers:
        saving = kept.headers.setdefault(header.id, HeaderSaving())
        if start_ms < end_ms and (saving.offers or saving.count):
            cells = header_cells(context, header, start_ms, end_ms)
            seen += cells.seen
            records += _Counting(context, kept, header, saving).through(cells)
    kept.until_ms = end_ms
    records.append(saving_record(context, kept))
    counts = {"followed": sum(each.count is not None for each in kept.headers.values())}
    state = MEMORY.encode(kept)
    return Outcome(mark=context.reader.last_id, state=state, records=records, counts=counts, doubt=doubt_of(seen))


def _hear(context: JobContext, kept: SavingState) -> None:
    """Take in the journal of advice, and until when the present advice holds."""
    keys = {header.id: header.id if len(context.settings.headers) > 1 else "" for header in context.settings.headers}
    while found := context.reader.records_after(kept.heard, EVENTS, "recommendation_event"):
        for _, record in found:
            said = RecommendationEvent.kept(record.body)
            for header in (name for name, key in keys.items() if key == record.key):
                kept.headers.setdefault(header, HeaderSaving()).hear(said)
        kept.heard = found[-1][0]
    for header, key in keys.items():
        for record in context.reader.newest("recommendation", key):
            if record.body and header in kept.headers:
                advice = Recommendation.kept(record.body)
                kept.headers[header].renew(advice.id, advice.expires)


def _span(context: JobContext, kept: SavingState) -> tuple[int, int]:
    """From when until when cells are looked at: not before the quality job has judged them."""
    jobs = context.settings.jobs
    judged_ms = round(1_000 * (jobs.quality.report + jobs.quality.period)) if jobs.quality.enabled else 0
    end_ms = (context.now_ms - judged_ms) // STEP_MS * STEP_MS
    is_ahead = kept.until_ms > end_ms + AHEAD_MS  # by a clock that was wrong; nothing is counted twice otherwise
    start_ms = end_ms if is_ahead else max(kept.until_ms, 0)
    known = [offer.issued_ms for each in kept.headers.values() for offer in each.offers]
    known += [each.count.seen_ms for each in kept.headers.values() if each.count is not None]
    start_ms = max(start_ms, min(known, default=end_ms) // STEP_MS * STEP_MS)
    return start_ms, max(start_ms, min(end_ms, start_ms + LONGEST_MS))


def _released(context: JobContext, kept: SavingState) -> Iterator[Record]:
    """Let go of headers that are no longer there, or are called otherwise; what they have saved stays."""
    headers = context.settings.headers
    for gone in sorted(kept.headers.keys() - {header.id for header in headers}):
        count = kept.headers.pop(gone).count
        if count is not None:
            kept.end(count)
            yield verified(context, gone, count, "removed").record(gone if len(headers) > 1 else "")


class _Counting:
    """Goes through the cells of one header, oldest first."""

    def __init__(self, context: JobContext, kept: SavingState, header: HeaderSettings, saving: HeaderSaving) -> None:
        self._context = context
        self._settings: AgentSettings = context.settings
        self._kept = kept
        self._header = header
        self._saving = saving
        self._zone = ZoneInfo(context.settings.station.time_zone)
        self._key = header.id if len(context.settings.headers) > 1 else ""

    def through(self, cells: HeaderCells) -> Iterator[Record]:
        """Count the cells, and say what was followed and what it came to."""
        saving, drives = self._saving, cells.bands.keys()
        horizon_ms = round(self._settings.jobs.saving.horizon * HOUR_MS)
        places: list[int] = []
        for place, at_ms in enumerate(cells.times_ms.tolist()):
            if saving.count is not None and at_ms <= saving.count.seen_ms:
                continue  # counted already, and looked at anew since a clock was set back
            speeds = cells.speeds_at(place)
            begun = saving.begun(at_ms, speeds, drives)
            end = saving.count and ("replaced" if begun else saving.count.end(at_ms, speeds, drives, horizon_ms))
            if saving.count is not None and end:
                self._add(saving.count, cells, places)
                places = []
                yield self._ended(saving.count, end)
            if begun is not None:
                since_ms = saving.streak_ms
                model = models_from_state(self._context.reader.job_state("curves")[1]).get(self._header.id)
                saving.count = Count(begun, since_ms, at_ms, None if model is None else model.to_dict())
                yield followed(self._context, self._header.id, saving.count).record(self._key)
            elif saving.count is not None and (speeds is None or saving.count.seen_ms == at_ms):
                places.append(place)
        if saving.count is not None:
            self._add(saving.count, cells, places)

    def _ended(self, count: Count, why: End) -> Record:
        self._kept.end(count)
        self._saving.count = None
        return verified(self._context, self._header.id, count, why).record(self._key)

    def _add(self, count: Count, cells: HeaderCells, places: list[int]) -> None:
        """Count the cells at *places*, day by day."""
        while places:
            midnight_ms, next_ms = tariff.midnights_ms(int(cells.times_ms[places[0]]), self._zone)
            own = [place for place in places if cells.times_ms[place] < next_ms]
            places = places[len(own) :]
            if count.day_ms != midnight_ms:
                self._kept.close(count)
                count.day_ms = midnight_ms
            self._count(count, cells, own)

    def _count(self, count: Count, cells: HeaderCells, places: list[int]) -> None:
        whys = {place: cells.why_not(place, count.model is not None) for place in places}
        good = [place for place, why in whys.items() if why is None]
        if count.model is not None and good:
            model = StationModel.from_dict(count.model)
            met = cells.met(good, model)
            seed = SEED + crc32(self._header.id.encode())  # what is wrong of one header tells nothing of another
            found = baseline(Sample.of(model, DRAWS, seed), self._former(count, cells), met)
            self._tally(count, cells, good, found, met)
            whys |= {place: cells.told(doubt) for place, doubt in zip(good, found.doubts, strict=True) if doubt}
        for why in whys.values():
            if why is not None:
                count.whole.withhold(why, CELL_HOURS)
                count.day.withhold(why, CELL_HOURS)

    def _tally(self, count: Count, cells: HeaderCells, good: list[int], found: Baseline, met: Met) -> None:
        prices = tariff.prices(self._settings.tariff, np.asarray(cells.times_ms[good]), self._zone)
        for part in (count.whole, count.day):
            part.tally.add(found, met.power, prices, CELL_HOURS)

    @staticmethod
    def _former(count: Count, cells: HeaderCells) -> Former:
        speeds = count.offer.former
        return Former(speeds, {pump: band for pump, band in cells.bands.items() if pump in speeds})
