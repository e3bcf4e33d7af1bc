"""The life of one alarm, against a plain telling of the standard, over every story there is."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.alarms.state import AlarmState, Happening, RefusedError
from tests.agent.alarms.plain_alarm import STORY_EVENTS, PlainAlarm, Told

DAY_MS = 86_400_000


def happening(told: Told, occurrence: int, ts_ms: int, *, is_latching: bool) -> Happening:
    """The event of a story as the product hears of it."""
    event, _, by_design = told.event.partition(" ")
    return Happening(
        event,  # type: ignore[arg-type]
        ts_ms,
        user="ada",
        comment="seen",
        is_latching=is_latching,
        occurrence=occurrence if told.of == "present" else occurrence - 1,
        until_ms=DAY_MS,
        is_by_design=bool(by_design),
    )


def next_of(alarm: AlarmState, plain: PlainAlarm, told: Told, ts_ms: int = 1_000) -> tuple[AlarmState, PlainAlarm]:
    """Both after the event; they agree on whether it can happen and on what is so afterwards."""
    try:
        after = alarm.after(happening(told, plain.occurrence, ts_ms, is_latching=plain.is_latching))
    except RefusedError:
        assert not plain.can(told), (plain.story, told)
        return alarm, plain
    assert plain.can(told), (plain.story, told)
    expected = plain.then(told)
    seen = (after.state, after.active, after.acked, after.latched, after.occurrence, after.changes)
    wanted = (
        expected.state, expected.active, expected.acked, expected.latched, expected.occurrence, len(expected.story)
    )  # fmt: skip
    assert seen == wanted, expected.story
    return after, expected


@pytest.mark.parametrize("is_latching", [False, True])
def test_every_story_of_six_events_ends_as_the_standard_says(*, is_latching: bool) -> None:
    """All 17⁶ stories of each kind of alarm; those of one length that stand at the same place go on alike, so one does.

    A place is every fact of the product and everything that the plain telling can do next.
    """
    places: dict[object, tuple[AlarmState, PlainAlarm]] = {None: (AlarmState(), PlainAlarm(is_latching=is_latching))}
    steps = 0
    for _ in range(6):
        reached: dict[object, tuple[AlarmState, PlainAlarm]] = {}
        for alarm, plain in places.values():
            for told in STORY_EVENTS:
                after, expected = next_of(alarm, plain, told)
                steps += 1
                place = replace(after, changes=0), expected.state, tuple(map(expected.can, STORY_EVENTS))
                reached.setdefault(place, (after, expected))
        places = reached

    assert steps > 4_000


def test_every_story_of_four_events_without_any_shortcut() -> None:
    """That stories with equal facts go on alike is so, and not only assumed: 17⁴ of them, one by one."""
    stories = [(AlarmState(), PlainAlarm(is_latching=True))]
    for _ in range(4):
        stories = [next_of(alarm, plain, told) for alarm, plain in stories for told in STORY_EVENTS]

    assert len(stories) == len(STORY_EVENTS) ** 4


@settings(max_examples=60)
@given(is_latching=st.booleans(), story=st.lists(st.sampled_from(STORY_EVENTS), max_size=60))
def test_a_long_story_ends_as_the_standard_says(*, is_latching: bool, story: list[Told]) -> None:
    alarm, plain = AlarmState(), PlainAlarm(is_latching=is_latching)
    for ts_ms, told in enumerate(story):
        alarm, plain = next_of(alarm, plain, told, ts_ms)


def raised(ts_ms: int = 1_000) -> Happening:
    return Happening("raised", ts_ms, value=8.1)


def test_a_new_occurrence_begins_with_clean_times() -> None:
    """The operator must not read that somebody has acknowledged it, who acknowledged the last one."""
    alarm = (
        AlarmState()
        .after(raised())
        .after(Happening("acknowledged", 2_000, user="ada", occurrence=1))
        .after(Happening("cleared", 3_000))
        .after(raised(4_000))
    )

    assert (alarm.occurrence, alarm.raised_ms, alarm.cleared_ms, alarm.acked_ms, alarm.acked_by) == (
        2, 4_000, None, None, None
    )  # fmt: skip


def test_what_is_hidden_is_evaluated_all_the_same() -> None:
    """Raised, cleared and raised again behind a shelf: the count goes on, and afterwards it shows as it is."""
    alarm = AlarmState().after(Happening("shelved", 0, user="ada", until_ms=DAY_MS))
    for event in (raised(), Happening("cleared", 2_000), raised(3_000)):
        alarm = alarm.after(event)
        assert alarm.state == "SHELVED"

    shown = alarm.after(Happening("unshelved", 4_000))

    assert (shown.state, shown.occurrence) == ("UNACK", 2)


def test_shelving_has_an_end() -> None:
    """An alarm that is shelved for ever is one that was taken away."""
    for until_ms in (None, 5_000, 4_999):
        with pytest.raises(RefusedError, match="until when"):
            AlarmState().after(Happening("shelved", 5_000, user="ada", until_ms=until_ms))


def test_a_refusal_names_the_occurrence_that_stands() -> None:
    """The operator's picture is old: the sentence says what is so now."""
    alarm = AlarmState().after(raised()).after(Happening("cleared", 2_000)).after(raised(3_000))

    with pytest.raises(RefusedError, match="occurrence 1 is not its present one, which is 2"):
        alarm.after(Happening("acknowledged", 4_000, user="ada", occurrence=1))
