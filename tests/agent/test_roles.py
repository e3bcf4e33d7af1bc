"""Which tags there are."""

from agent.roles import known_tags
from agent.settings import AgentSettings


def station(unit: str) -> AgentSettings:
    """Of one tag."""
    device = {"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1"}
    tag = {"name": "flow", "unit": unit, "address": "holding:0", "type": "float32"}
    return AgentSettings.model_validate({"station": {"name": "test"}, "device": [{**device, "tag": [tag]}]})


def test_what_a_job_does_to_its_known_tags_nobody_else_sees() -> None:
    """They are worked out once for all jobs, and the gaps job puts tags of its own into them."""
    settings = station("m3/h")
    known = known_tags(settings)
    del known["flow"]

    assert list(known_tags(settings)) == ["flow"]


def test_known_tags_are_those_of_the_settings_asked_about() -> None:
    """A reload brings other settings, and importing history may look at two stations."""
    one, other = station("m3/h"), station("l/s")

    units = [known_tags(settings)["flow"].settings.unit for settings in (one, other, one)]

    assert units == ["m3/h", "l/s", "m3/h"]
