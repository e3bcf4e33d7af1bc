"""What a subscriber makes of the agent's messages."""

from agent.demo.picture import Picture
from agent.mqtt import payloads

ADVICE = payloads.Recommendation(id="1", ts=0, expires=900_000, station="demo", action="keep")
NO_ADVICE = payloads.Recommendation(id="0", ts=0, expires=900_000, station="demo", action="none", why="still learning")


def test_a_first_value_is_one_that_has_a_value() -> None:
    """A device that is silent at the start says so at once; that is not the first value."""
    picture = Picture("water/demo")

    picture.take("water/demo/readings", b'{"seq":1,"count":1,"rows":[["a",0,null,24]]}', at=1.0)
    picture.take("water/demo/readings", b'{"seq":2,"count":2,"rows":[["a",1,2.5,192],["b",1,3,192]]}', at=2.0)

    assert (picture.first_value, picture.readings, picture.polled) == (2.0, 3, {"a", "b"})


def test_being_told_that_there_is_no_advice_is_not_the_first_advice() -> None:
    """Else the demo would boast of a recommendation after a second."""
    picture = Picture("water/demo")

    picture.take("water/demo/recommendation", NO_ADVICE.encode(), at=1.0)
    picture.take("water/demo/recommendation", ADVICE.encode(), at=5.0)
    picture.take("water/demo/recommendation", ADVICE.encode(), at=9.0)

    assert picture.first_recommendation == 5.0
    assert picture.recommendation["action"] == "keep"


def test_an_alarm_that_the_broker_no_longer_keeps_is_gone() -> None:
    """An empty message clears a retained one."""
    picture = Picture("water/demo")

    picture.take("water/demo/alarm/hot", b'{"id":"hot","active":true}', at=1.0)
    assert list(picture.alarms) == ["hot"]
    picture.take("water/demo/alarm/hot", b"", at=2.0)

    assert picture.alarms == {}


def test_only_raising_counts_as_raised() -> None:
    """An alarm that is raised and cleared is one alarm."""
    picture = Picture("water/demo")

    picture.take("water/demo/alarm_event", b'{"event":"raised"}', at=1.0)
    picture.take("water/demo/alarm_event", b'{"event":"cleared"}', at=2.0)

    assert picture.raised == 1


def test_unknown_topics_change_nothing() -> None:
    """Later versions say more; commands' results are none of the view's business."""
    picture = Picture("water/demo")

    picture.take("water/demo/cmd/result/7", b'{"ok":true}', at=1.0)
    picture.take("water/demo/tag/a/value", b"3.5", at=1.0)

    assert picture == Picture("water/demo")
