"""Alarms before everything else: after an outage with days of readings and thousands of records behind it."""

from pathlib import Path

from agent.store.records import Record
from tests.agent.mqtt.station import NOON_MS, good, publishing, station, store_of
from tests.simulators.broker import mosquitto
from tests.simulators.subscriber import subscriber


async def test_after_an_outage_alarms_and_their_whole_journal_come_first(tmp_path: Path) -> None:
    """The broker is down while 20,000 readings, 3,000 other records and the alarms among them come.

    The states and every entry of the journal, in order, arrive before the first reading, live value or other record.
    """
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path)
        async with (
            subscriber(broker.port, "water/#") as scada,
            store_of(settings) as store,
            publishing(settings, store),
        ):
            await scada.on_topic("water/east/info")
            broker.kill()
            for number in range(20):
                await store.append([good("flow", n, NOON_MS + 1_000 * number + n) for n in range(1_000)])
                more = [Record("pump", "p1", NOON_MS + n, b'{"pump":"p1"}') for n in range(150)]
                more += [Record("recommendation_event", "", NOON_MS + n, b'{"id":"r"}') for n in range(5)]
                seqs = range(30 * number, 30 * number + 30)
                await store.record([*more, *(Record("alarm_event", "burst", n, b'{"seq":%d}' % n) for n in seqs)])
            await store.record([Record("alarm", f"a{n}", NOON_MS, b'{"id":"a"}') for n in range(20)])
            broker.start()
            await scada.on_topic("water/east/recommendation_event", 100)
            await scada.on_topic("water/east/history")

    fresh = [message for message in scada.messages if not message.is_old]  # kept ones come whenever SCADA does
    said = [(message.topic, message.payload) for message in fresh]
    again = len(said) - said[::-1].index(("water/east/status", b"online"))  # with which each connection begins
    after = fresh[again:]
    first_other = next(place for place, message in enumerate(after) if "/alarm" not in message.topic)
    alarms = after[:first_other]
    journal = [message.json["seq"] for message in after if message.topic == "water/east/alarm_event"]
    assert len({message.topic for message in alarms if "/alarm/" in message.topic}) == 20
    assert len([message for message in alarms if message.topic.endswith("/alarm_event")]) == 600
    assert journal == list(range(600))  # and none again when its turn among the other records comes
