"""The least Python that does the job, to compare the agent with: no quality, scaling, configuration or supervision.

`python -m tests.benchmarks.bare_loop DATABASE BROKER_PORT REGISTERS PORT...` polls every port once a second with
pymodbus, keeps every reading as a row in SQLite (WAL, FULL, five commits a second), reads the rows back,
publishes them in batches of 500 with paho at QoS 1, and moves a cursor when the broker has acknowledged.
"""

import asyncio
import sqlite3
import sys
import time
from typing import Any

import orjson
import paho.mqtt.client as mqtt
import uvloop
from paho.mqtt.enums import CallbackAPIVersion
from pymodbus.client import AsyncModbusTcpClient

BLOCK = 125
Rows = list[tuple[int, int, int, int]]


async def poll(device: int, port: int, registers: int, rows: Rows) -> None:
    """Put a device's readings into *rows*, once a second."""
    client = AsyncModbusTcpClient("127.0.0.1", port=port, retries=0)
    await client.connect()
    due = time.monotonic()
    while True:
        for start in range(0, registers, BLOCK):
            answer = await client.read_holding_registers(start, count=min(BLOCK, registers - start))
            now = int(time.time() * 1000)
            first = 1000 * device + start
            rows += [(first + offset, now, value, 192) for offset, value in enumerate(answer.registers)]
        due += 1.0
        await asyncio.sleep(due - time.monotonic())


async def keep_and_publish(database: str, broker: int, rows: Rows) -> None:
    """Five times a second: what has come to the disk, from the disk to the broker, the cursor after the broker."""
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE reading (id INTEGER PRIMARY KEY, tag INTEGER, ts_ms INTEGER, value, quality INTEGER)")
    db.execute("CREATE TABLE cursor (id INTEGER)")
    db.execute("INSERT INTO cursor VALUES (0)")
    client, published = _client(broker), 0
    in_flight: dict[int, int] = {}
    acknowledged: list[int] = []
    client.on_publish = lambda *args: acknowledged.append(args[2])
    asyncio.get_running_loop().create_task(_drive(client))
    while True:
        await asyncio.sleep(0.2)
        take, rows[:] = rows[:], []
        done, acknowledged[:] = acknowledged[:], []
        db.execute("BEGIN")
        db.executemany("INSERT INTO reading (tag, ts_ms, value, quality) VALUES (?, ?, ?, ?)", take)
        if done:
            db.execute("UPDATE cursor SET id = ?", (max(in_flight.pop(mid) for mid in done),))
        db.execute("COMMIT")
        found = db.execute("SELECT id, tag, ts_ms, value, quality FROM reading WHERE id > ?", (published,)).fetchall()
        for place in range(0, len(found), 500):
            batch = found[place : place + 500]
            body = orjson.dumps({"seq": batch[0][0], "count": len(batch), "rows": [row[1:] for row in batch]})
            in_flight[client.publish("bare/readings", body, qos=1).mid] = published = batch[-1][0]


def _client(broker: int) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.max_inflight_messages_set(100)
    client.connect("127.0.0.1", broker)
    return client


async def _drive(client: mqtt.Client) -> None:
    socket: Any = client.socket()
    asyncio.get_running_loop().add_reader(socket, client.loop_read, 100)
    while True:
        while client.want_write():
            client.loop_write()
        client.loop_misc()
        await asyncio.sleep(0.02)


async def main(database: str, broker: int, registers: int, ports: list[int]) -> None:
    """Poll, keep and publish until killed."""
    rows: Rows = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keep_and_publish(database, broker, rows))
        for device, port in enumerate(ports):
            tasks.create_task(poll(device, port, registers, rows))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), [int(port) for port in sys.argv[4:]]))
