"""Reading nodes: what a server answers, as samples, few enough at a time for it and for our loop."""

import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError

from drivers.opcua.items import Item, Sample
from drivers.opcua.session import Session
from drivers.reading import Quality, UnreachableError

T = TypeVar("T")

MOST_NODES = 500  # in one request; what they answer holds the loop for a hundredth of a second
LIMITS = (
    ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
    ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
)
GOOD = 0, "Good"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = datetime(1602, 1, 1, tzinfo=UTC)  # a time that is not given travels as the year 1601 (OPC 10000-6, 5.2.2.5)
MILLISECOND = timedelta(milliseconds=1)


def value_of(node: ua.NodeId) -> ua.ReadValueId:
    """The wish to have a node's value."""
    return ua.ReadValueId(NodeId=node, AttributeId=AttributeIds.Value)


def wishes(items: Sequence[Item]) -> dict[Item, ua.ReadValueId]:
    """What to ask for each item; an item whose node cannot be one is at fault."""
    found = {}
    for item in items:
        try:
            found[item] = value_of(ua.NodeId.from_string(item.tag.node))
        except (UaError, ValueError):
            item.fault = Quality.CONFIGURATION_ERROR, f"{item.tag.node} is no node id"
    return found


async def most_nodes(session: Session) -> int:
    """How many nodes a request may name: what the server says it takes, and `MOST_NODES` at the most."""
    said = await ask(session, [value_of(ua.NodeId(number)) for number in LIMITS])  # type: ignore[arg-type]
    limits = [sample.raw for sample in said if isinstance(sample.raw, int) and sample.raw > 0]  # 0 is no limit
    return min([MOST_NODES, *limits])


async def ask(session: Session, nodes: list[ua.ReadValueId], max_age: float = 0.0) -> list[Sample]:
    """The value of each node; at most as many as `most_nodes` says.

    Args:
        session: Whom to ask.
        nodes: Which ones.
        max_age: s, how old a value may be that the server has at hand; for 0 it asks its own sources.

    Raises:
        UnreachableError: The server answers nonsense.
    """
    if not nodes:
        return []
    parameters = ua.ReadParameters(
        MaxAge=1000 * max_age, TimestampsToReturn=ua.TimestampsToReturn.Source, NodesToRead=nodes
    )
    try:
        found = [sample(value) for value in await session.services.read(parameters)]
    except (AttributeError, LookupError, TypeError, ValueError, struct.error) as error:
        raise UnreachableError(f"{session} answers nonsense ({error})") from error
    if len(found) != len(nodes):
        raise UnreachableError(f"{session} answers nonsense ({len(found)} values, not {len(nodes)})")
    return found


def sample(value: ua.DataValue) -> Sample:
    """What a server said of a value."""
    variant, status = value.Value, value.StatusCode
    stamp: datetime | None = value.SourceTimestamp
    return Sample(
        None if variant is None else variant.Value,
        *((status.value, status.name) if status is not None and status.value else GOOD),
        None if stamp is None or stamp < NEVER else (stamp - EPOCH) // MILLISECOND,
        variant is not None and variant.VariantType is ua.VariantType.Float,
    )


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items, at most *size* at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))
