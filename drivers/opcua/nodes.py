"""Reading nodes: what a server answers, as samples, few enough at a time that the loop is not held."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaError

from drivers.opcua.items import Item, Sample
from drivers.opcua.session import Session
from drivers.reading import Quality

T = TypeVar("T")

MOST_NODES = 200  # in one request
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def node_ids(items: Sequence[Item]) -> dict[Item, ua.NodeId]:
    """The node of each item; an item whose node cannot be one is at fault."""
    found = {}
    for item in items:
        try:
            found[item] = ua.NodeId.from_string(item.tag.node)
        except (UaError, ValueError):
            item.fault = Quality.CONFIGURATION_ERROR, f"{item.tag.node} is no node id"
    return found


async def ask(session: Session, nodes: Sequence[ua.NodeId], max_age: float = 0.0) -> list[Sample]:
    """The value of each node; at most `MOST_NODES` of them.

    Args:
        session: Whom to ask.
        nodes: Which ones.
        max_age: s, how old a value may be that the server has at hand; for 0 it asks its own sources.
    """
    wishes = [ua.ReadValueId(NodeId=node, AttributeId=AttributeIds.Value) for node in nodes]
    parameters = ua.ReadParameters(
        MaxAge=1000 * max_age, TimestampsToReturn=ua.TimestampsToReturn.Source, NodesToRead=wishes
    )
    return [sample(value) for value in await session.services.read(parameters)] if wishes else []


def sample(value: ua.DataValue) -> Sample:
    """What a server said of a value."""
    variant = value.Value
    status = value.StatusCode or ua.StatusCode()
    stamp: datetime | None = value.SourceTimestamp
    return Sample(
        raw=None if variant is None else variant.Value,
        status=status.value,
        status_name=status.name,
        # a time that is not given travels as the year 1601 (OPC 10000-6, 5.2.2.5)
        source_ms=None if stamp is None or stamp.year <= 1601 else (stamp - EPOCH) // timedelta(milliseconds=1),  # noqa: PLR2004
        is_single=variant is not None and variant.VariantType is ua.VariantType.Float,
    )


def chunks(items: Sequence[T], size: int = MOST_NODES) -> Iterator[Sequence[T]]:
    """The items, at most *size* at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))
