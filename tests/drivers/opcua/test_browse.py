"""Walking a server's address space: whole, within bounds, and round no circle."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.ua.object_ids import ObjectIds

from drivers.opcua.browse import Survey, Walk
from drivers.opcua.session import Session
from drivers.opcua.settings import OpcuaSettings
from drivers.reading import UnreachableError
from tests.simulators.opcua import OpcuaStation, opcua_server

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station() -> AsyncIterator[OpcuaStation]:
    """A works with two pumps, a unit, a list, a circle, and a folder of many."""
    async with opcua_server({}) as station:
        works: Any = await station.server.nodes.objects.add_object(2, "Works")
        for name in ("P1", "P2"):
            pump = await works.add_object(2, name)
            flow = await pump.add_variable(2, "Flow", 36.5)
            unit = ua.EUInformation(DisplayName=ua.LocalizedText("m³/h"))
            await flow.add_property(0, "EngineeringUnits", unit)
            await flow.add_variable(2, "Setpoint", 40.0)
            await pump.add_reference(works, ObjectIds.Organizes)  # the circle
        await works.add_variable(2, "Trend", [1.0, 2.0])
        await works.add_property(2, "Maker", "Pumps Ltd")
        many = await station.server.nodes.objects.add_object(ua.NodeId.from_string("ns=2;s=many"), "Many")
        for number in range(120):
            await many.add_variable(ua.NodeId.from_string(f"ns=2;s=many.{number}"), f"V{number}", number)
        yield station


async def survey(station: OpcuaStation, root: str = "i=85", depth: int = 10, limit: int = 1000) -> Survey:
    settings = OpcuaSettings.model_validate({"name": "s", "protocol": "opcua", "url": station.url})
    async with Session(settings) as session:
        return await Walk(session, depth=depth, limit=limit).below(root)


async def test_every_variable_is_found_once_with_its_value_type_and_unit(station: OpcuaStation) -> None:
    """Below variables too; not properties, not the server's own; and the circle ends."""
    found = await survey(station)

    works = {".".join(one.path): one for one in found.variables if one.path[0] == "Works"}
    assert set(works) == {
        "Works.P1.Flow", "Works.P1.Flow.Setpoint", "Works.P2.Flow", "Works.P2.Flow.Setpoint", "Works.Trend"
    }  # fmt: skip
    flow = works["Works.P2.Flow"]
    assert (flow.type, flow.value, flow.unit, flow.is_single) == ("Double", 36.5, "m³/h", True)
    assert not works["Works.Trend"].is_single
    assert len(found.variables) == 125
    assert found.is_whole


async def test_a_walk_may_begin_anywhere(station: OpcuaStation) -> None:
    """In a large server a technician knows the folder."""
    found = await survey(station, root="ns=2;s=many")

    assert [one.node for one in found.variables[:2]] == ["ns=2;s=many.0", "ns=2;s=many.1"]
    assert len(found.variables) == 120


@pytest.mark.parametrize(("depth", "limit", "most"), [(2, 1000, 121), (10, 50, 50)], ids=["depth", "count"])
async def test_bounds_are_kept_and_told(station: OpcuaStation, depth: int, limit: int, most: int) -> None:
    """A server with a million nodes is not to fill our memory, nor to seem smaller than it is."""
    found = await survey(station, depth=depth, limit=limit)

    assert 0 < len(found.variables) <= most
    assert not found.is_whole


@pytest.mark.parametrize("root", ["ns=2;s=nowhere", "nonsense"])
async def test_a_node_that_is_not_there_is_named(station: OpcuaStation, root: str) -> None:
    with pytest.raises(UnreachableError, match=root):
        await survey(station, root=root)
