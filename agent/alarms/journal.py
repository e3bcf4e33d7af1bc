"""Alarms as they are kept and published: what happened, as records; and back again after a restart. Pure."""

from collections import Counter
from collections.abc import Iterator

import orjson

from agent.alarms.board import Board, Transition
from agent.alarms.metrics import Metrics, stale, standing
from agent.alarms.rationale import SEVERITY, Rationale
from agent.alarms.state import AlarmState, Event
from agent.mqtt import payloads
from agent.store.records import Record


def records(change: Transition) -> Iterator[Record]:
    """The alarm as it is now and the journal's entry, for one transaction; a normal one leaves the broker."""
    by = change.happening
    alarm = present(change.rationale, change.state, by.ts_ms)
    event = payloads.AlarmEvent(**dict(alarm), event=by.event, user=by.user, comment=by.comment)
    body = b"" if change.state.state == "NORM" else alarm.encode()
    yield Record("alarm", change.rationale.id, by.ts_ms, body)
    yield Record("alarm_event", change.rationale.id, by.ts_ms, event.encode())


def present(words: Rationale, state: AlarmState, ts_ms: int) -> payloads.Alarm:
    """One alarm as subscribers are told of it."""
    by = (("command", state.suppressed), ("design", state.suppressed_by_design))
    return payloads.Alarm(
        id=words.id,
        occurrence=state.occurrence,
        state=state.state,
        active=state.active,
        acked=state.acked,
        confirmed=state.confirmed,
        latched=state.latched,
        shelved_until=state.shelved_until_ms,
        suppressed=state.suppressed or state.suppressed_by_design,
        suppressed_by=tuple(who for who, is_so in by if is_so),
        out_of_service=state.out_of_service,
        priority=words.priority,
        severity=SEVERITY[words.priority],
        type=words.type,
        pump=words.pump,
        tag=words.tag,
        value=state.value,
        limit=words.limit,
        unit=words.unit,
        group=words.group,
        first_out=state.first_out,
        message=f"{words.message} ({state.reason})" if state.reason else words.message,
        reason=state.reason,
        cause=words.cause,
        consequence=words.consequence,
        action=words.action,
        raised_at=state.raised_ms,
        cleared_at=state.cleared_ms,
        acked_at=state.acked_ms,
        acked_by=state.acked_by,
        count=state.occurrence,
        ts=ts_ms,
        seq=state.changes,
    )


def measured(station: str, metrics: Metrics, board: Board, now_ms: int, steady_ms: int) -> payloads.AlarmMetrics:
    """What subscribers are told of how good the alarms are, at *now_ms*; *steady_ms* by the clock of *metrics*."""
    states = board.states()
    shown = Counter(state.state for state in states.values())
    return payloads.AlarmMetrics(
        station=station,
        ts=now_ms,
        start_time=now_ms - (steady_ms - metrics.start_ms),
        alarm_count=len(board.rules),
        current_alarm_rate=metrics.rate(steady_ms),
        maximum_alarm_rate=metrics.maximum_alarm_rate,
        average_alarm_rate=round(metrics.average_rate(steady_ms), 3),
        maximum_active_state_s=metrics.maximum_active_ms / 1_000,
        maximum_unack_s=metrics.maximum_unack_ms / 1_000,
        maximum_realarm_count=metrics.maximum_realarm_count(),
        raised=metrics.raised,
        standing=len(standing(states)),
        unacknowledged=shown["UNACK"] + shown["RTNUN"] + shown["LATCHED_UNACK"],
        shelved=shown["SHELVED"],
        suppressed=shown["SUPPRESSED"],
        out_of_service=shown["OUT_OF_SERVICE"],
        flood=metrics.is_flood,
        stale=tuple(stale(states, now_ms)),
        chattering=tuple(metrics.chattering()),
        top=tuple(payloads.AlarmCount(id=name, count=count) for name, count in metrics.top()),
    )


def event_of(entry: Record) -> Event:
    """What an entry of the journal says has happened."""
    event: Event = orjson.loads(entry.body)["event"]
    return event


def state_after(event: Record) -> AlarmState:
    """The facts that an alarm's newest event was kept with."""
    kept = orjson.loads(event.body)
    alarm = payloads.AlarmEvent.kept(event.body)
    return AlarmState(
        active=alarm.active,
        acked=alarm.acked,
        confirmed=kept.get("confirmed", alarm.acked),  # older versions did not say
        latched=alarm.latched,
        shelved_until_ms=alarm.shelved_until,
        suppressed="command" in alarm.suppressed_by,
        suppressed_by_design="design" in alarm.suppressed_by,
        out_of_service=alarm.out_of_service,
        first_out=alarm.first_out,
        occurrence=alarm.occurrence,
        changes=alarm.seq,
        value=alarm.value if isinstance(alarm.value, float) else None,
        reason=alarm.reason,
        raised_ms=alarm.raised_at,
        cleared_ms=alarm.cleared_at,
        acked_ms=alarm.acked_at,
        acked_by=alarm.acked_by,
    )
