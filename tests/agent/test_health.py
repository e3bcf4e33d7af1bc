"""What SCADA is told of each part."""

from agent.health import Health


def test_a_task_that_is_well_does_not_clear_what_another_has_reported_of_the_store() -> None:
    """Alarms that cannot be kept are worse than a retention that had nothing to do; counters are told together."""
    health = Health("north", "1.2.3")
    health.store.well()
    health.storing("alarms").trouble("north.db cannot be read")
    health.storing("retention").count("dropped", 7)
    health.storing("retention").well()
    health.store.counts["held"] = 3
    health.store.well()

    told = health.report(1_000)
    health.storing("alarms").well()
    later = health.report(2_000)

    assert told.store
    assert later.store
    assert (told.store.name, told.store.state, told.store.error) == ("store", "failed", "north.db cannot be read")
    assert told.store.counts == {"held": 3, "dropped": 7}
    assert (told.state, later.store.state, later.store.error) == ("failed", "ok", None)
