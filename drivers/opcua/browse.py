"""What a server has: its variables, found by walking down from a node, within bounds and in spite of cycles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError

from drivers.opcua.nodes import ask, chunks, most_nodes, value_of
from drivers.opcua.session import Session
from drivers.reading import UnreachableError

AT_ONCE = 50  # nodes looked into by one request
MOST_CHILDREN = 1000  # references in one answer; the rest is asked for
SEVERITY = 30  # the upper two of a status code's 32 bits say good, uncertain or bad
BELOW = ua.BrowseDirection.Forward
HIERARCHY = ua.NodeId(ua.Int32(ObjectIds.HierarchicalReferences))
PROPERTY = ua.NodeId(ua.Int32(ObjectIds.HasProperty))
WANTED = ua.NodeClass.Object | ua.NodeClass.Variable


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable as a technician sees it."""

    node: str  # as written in a configuration
    path: tuple[str, ...]  # browse names, from below the node the walk began at
    type: str  # of the value: Double, Boolean ...; "" where there is none at present
    value: object
    unit: str  # as the server calls it; "" where it does not say

    @property
    def is_single(self) -> bool:
        """Whether it is one number, truth or text, as a tag must be."""
        return self.value is None or isinstance(self.value, bool | int | float | str)


@dataclass(slots=True)
class Survey:
    """What a walk found."""

    variables: list[Variable] = field(default_factory=list)
    is_whole: bool = True  # nothing was left out for the bounds' sake


@dataclass(frozen=True, slots=True)
class _Place:
    node: ua.NodeId
    path: tuple[str, ...]


class Walk:
    """One walk down the references of a server, breadth first; a node that is met again is passed by."""

    def __init__(self, session: Session, *, depth: int, limit: int) -> None:
        self._session = session
        self._depth = depth
        self._limit = limit
        self._met: set[ua.NodeId] = set()
        self._found: list[_Place] = []
        self._units: dict[ua.NodeId, ua.NodeId] = {}  # of a variable: where its unit stands
        self._is_whole = True

    async def below(self, root: str = "i=85") -> Survey:
        """All variables below *root*, which is the folder Objects if not said.

        Raises:
            UnreachableError: There is no such node, or the connection is lost.
        """
        try:
            start = ua.NodeId.from_string(root)
        except (UaError, ValueError) as error:
            raise UnreachableError(f'"{root}" is no node id; write it like "ns=2;s=works"') from error
        self._met.add(start)
        level = [_Place(start, ())]
        for _ in range(self._depth):
            level = [place for some in chunks(level, AT_ONCE) for place in await self._children(some)]
            if not level or not self._is_whole:
                break
        else:
            self._is_whole = self._is_whole and not level
        parts = chunks(self._found, await most_nodes(self._session))
        return Survey([one for some in parts for one in await self._read(some)], self._is_whole)

    async def _children(self, places: Sequence[_Place]) -> list[_Place]:
        wishes = [
            ua.BrowseDescription(
                NodeId=place.node,
                BrowseDirection=BELOW,
                ReferenceTypeId=HIERARCHY,
                IncludeSubtypes=True,
                NodeClassMask=WANTED,
                ResultMask=ua.BrowseResultMask.All,
            )
            for place in places
        ]
        parameters = ua.BrowseParameters(RequestedMaxReferencesPerNode=MOST_CHILDREN, NodesToBrowse=wishes)
        results = await self._session.services.browse(parameters)
        found: list[_Place] = []
        for place, result in zip(places, results, strict=True):
            if not place.path and not result.StatusCode.is_good():
                raise UnreachableError(f"{self._session} has no node {place.node.to_string()}; correct it")
            found += self._taken(place, result.References or [])
            while result.ContinuationPoint and self._is_whole:
                more = ua.BrowseNextParameters(ContinuationPoints=[result.ContinuationPoint])
                (result,) = await self._session.services.browse_next(more)  # noqa: PLW2901 - the next page of it
                found += self._taken(place, result.References or [])
        return found

    def _taken(self, place: _Place, references: Iterable[ua.ReferenceDescription]) -> list[_Place]:
        """What is new below a place, and worth going on from."""
        new = []
        for one in references:
            node, name = one.NodeId, one.BrowseName.Name or "?"
            if one.ReferenceTypeId == PROPERTY:
                if name == "EngineeringUnits":
                    self._units[place.node] = _plain(node)
                continue
            is_the_servers_own = node.NamespaceIndex == 0 or bool(getattr(node, "ServerIndex", 0))
            if _plain(node) in self._met or is_the_servers_own:
                continue
            self._met.add(_plain(node))
            if len(self._met) > self._limit:
                self._is_whole = False
                break
            new.append(_Place(_plain(node), (*place.path, name)))
            if one.NodeClass == ua.NodeClass.Variable:
                self._found.append(new[-1])
        return new

    async def _read(self, places: Sequence[_Place]) -> list[Variable]:
        values = await self._session.services.read_attributes([place.node for place in places], AttributeIds.Value)
        units = await self._read_units(places)
        return [
            Variable(
                node=place.node.to_string(),
                path=place.path,
                type=value.Value.VariantType.name if value.Value is not None else "",
                value=value.Value.Value if value.Value is not None and not _is_bad(value) else None,
                unit=units.get(place.node, ""),
            )
            for place, value in zip(places, values, strict=True)
        ]

    async def _read_units(self, places: Sequence[_Place]) -> dict[ua.NodeId, str]:
        asked = [place.node for place in places if place.node in self._units]
        samples = await ask(self._session, [value_of(self._units[node]) for node in asked])
        found = {}
        for node, sample in zip(asked, samples, strict=True):
            if isinstance(sample.raw, ua.EUInformation):
                found[node] = (sample.raw.DisplayName.Text or "").strip()
        return found


def _plain(node: ua.NodeId) -> ua.NodeId:
    """A node as itself: references name it with the server and namespace it may lie in."""
    return ua.NodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType)


def _is_bad(value: ua.DataValue) -> bool:
    return value.StatusCode is not None and value.StatusCode.value >> SEVERITY > 1
