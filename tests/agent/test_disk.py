"""The whole agent on a disk in trouble: polling and live values go on, an alarm tells, and storing resumes."""

import asyncio
from pathlib import Path

from tests.simulators.disk import failing_disk, fill, small_disk
from tests.simulators.disk_trouble import missing, plant, stored_again


async def test_a_full_disk_costs_nothing(tmp_path: Path) -> None:
    """Filled twice, so that the ballast is gone too: values go on, the alarm comes, and all of it is stored later."""
    with small_disk(tmp_path / "disk", 16) as disk:
        async with plant(tmp_path, disk / "north.db") as north:
            await north.more_live()
            filler = fill(disk)
            alarm = await north.alarm("UNACK")
            while (disk / "north.db.ballast").exists():  # noqa: ASYNC110 - a file
                await asyncio.sleep(0.05)
            fill(disk)
            await north.more_live(10)
            filler.unlink()
            await stored_again(north, within=10)
            await north.alarm("RTNUN")
            await north.more_live()
            status = await north.agent.stop()
        lost = missing(north)

    assert (alarm["priority"], alarm["type"]) == ("high", "storage")
    assert "full" in str(alarm["message"])
    assert lost == set()
    assert status == 0


async def test_a_disk_that_turns_read_only_costs_nothing(tmp_path: Path) -> None:
    """As a dying card or a file system with an error does: values go on; after the repair all of it is stored."""
    with failing_disk(tmp_path / "disk", 16) as disk:
        async with plant(tmp_path, disk.folder / "north.db") as north:
            await north.more_live()
            disk.fail()
            alarm = await north.alarm("UNACK")
            await north.more_live(10)
            disk.mend()
            await stored_again(north, within=10)
            await north.alarm("RTNUN")
            status = await north.agent.stop()
        lost = missing(north)

    assert (alarm["priority"], alarm["type"]) == ("high", "storage")
    assert lost == set()
    assert status == 0


async def test_a_disk_that_stands_still_costs_nothing(tmp_path: Path) -> None:
    """Commits wait for seconds, in the kernel: polling and values go on from memory, in order, and all is stored once.

    Takes fifteen seconds: the agent lets a disk have three before it goes on without.
    """
    with failing_disk(tmp_path / "disk", 16) as disk:
        async with plant(tmp_path, disk.folder / "north.db") as north:
            await north.more_live()
            disk.freeze()
            try:
                alarm = await north.alarm("UNACK")
                line = await north.agent.says("does not finish writing")
                await north.more_live(20)
            finally:
                disk.thaw()
            await stored_again(north, within=10)
            await north.alarm("RTNUN")
            await north.more_live()
            status = await north.agent.stop()
        stored = [(row.tag, row.ts_ms) for row in north.stored()]
        live = [(tag, ts_ms) for tag, ts_ms, *_ in north.live()]
        lost = missing(north)

    assert alarm["priority"] == "high"
    assert "end what else keeps it busy" in line
    assert lost == set()
    assert len(set(stored)) == len(stored)
    assert all(times == sorted(set(times)) for times in by_tag(live) + by_tag(stored))
    assert status == 0


def by_tag(rows: list[tuple[str, int]]) -> list[list[int]]:
    """Times of each tag, as they came."""
    return [[ts_ms for name, ts_ms in rows if name == tag] for tag in {name for name, _ in rows}]


async def test_an_agent_starts_on_a_read_only_disk(tmp_path: Path) -> None:
    """No crash loop: it polls and publishes from memory, raises the alarm, and opens its store when that can be."""
    with failing_disk(tmp_path / "disk", 16) as disk:
        disk.unmount()
        disk.mount("ro")
        async with plant(tmp_path, disk.folder / "north.db") as north:
            await north.more_live()
            await north.alarm("UNACK")
            disk.unmount()
            disk.mount()
            while not north.database.exists():  # noqa: ASYNC110 - a file
                await asyncio.sleep(0.05)
            await north.alarm("RTNUN")
            await north.more_live()
            await stored_again(north, within=10)
            status = await north.agent.stop()
        lost = missing(north)

    assert lost == set()
    assert status == 0
