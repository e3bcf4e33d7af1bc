"""A small OPC UA server on loopback for the tank and the header's flow; needs asyncua."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC

from asyncua import ua
from asyncua.server.server import Server
from asyncua.ua.status_codes import StatusCodes

from drivers.settings import OpcuaTagSettings


class Nodes:
    """The variables of the server, by tag."""

    def __init__(self, server: Server, ids: Mapping[str, ua.NodeId]) -> None:
        self._server = server
        self._ids = ids

    async def show(self, values: Mapping[str, float], silent: frozenset[str]) -> None:
        """Set every variable; those of *silent* tags get the status of a broken sensor."""
        now = ua.DateTime.now(UTC).replace(tzinfo=None)  # asyncua's times are UTC and naive
        for tag, node in self._ids.items():
            await self._server.write_attribute_value(node, _data_value(None if tag in silent else values[tag], now))


def _data_value(value: float | None, now: ua.DateTime) -> ua.DataValue:
    if value is None:
        status = ua.StatusCode(ua.UInt32(StatusCodes.BadSensorFailure))
        return ua.DataValue(StatusCode=status, SourceTimestamp=now, ServerTimestamp=now)
    return ua.DataValue(ua.Variant(value, ua.VariantType.Double), SourceTimestamp=now, ServerTimestamp=now)


@asynccontextmanager
async def opcua_server(url: str, tags: Sequence[OpcuaTagSettings]) -> AsyncIterator[Nodes]:
    """Serve the nodes that *tags* name, without security, at *url*."""
    logging.getLogger("asyncua").setLevel(logging.ERROR)  # it warns of its own missing certificate
    server = Server()
    await server.init()
    server.set_endpoint(url)
    server.set_server_name("Simulated pump station")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await server.register_namespace("urn:pump-agent:demo")  # becomes ns=2
    folder = await server.nodes.objects.add_folder(2, "Station")
    ids = {}
    for tag in tags:
        node = await folder.add_variable(ua.NodeId.from_string(tag.node), tag.name, 0.0, ua.VariantType.Double)
        ids[tag.name] = node.nodeid
    async with server:
        yield Nodes(server, ids)
