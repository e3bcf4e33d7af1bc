"""OPC UA servers (asyncua's own): in this process, to change what they say; or in another, to kill or freeze."""

import asyncio
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sized
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, cast

from asyncua import ua
from asyncua.common.node import Node
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.crypto.security_policies import SecurityPolicyNone
from asyncua.crypto.validator import CertificateValidatorMethod
from asyncua.server.monitored_item_service import MonitoredItemService
from asyncua.server.server import Server
from asyncua.server.user_managers import CertificateUserManager, UserManager
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes

from drivers.opcua.certificate import read_certificate
from tests.simulators.certificates import SERVER_URI, Keys

NAMESPACE = "urn:simulated:station"
INDEX = 2  # what the namespace gets in a new server
MOST_MONITORED = ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall
ALL_POLICIES = frozenset(
    kind
    for kind in ua.SecurityPolicyType
    if kind.name.startswith(("NoSecurity", "Basic256Sha256_", "Aes128Sha256", "Aes256Sha256"))
)


@dataclass
class OpcuaStation:
    """A running server and its variables by name; a variable is node ``ns=2;s=<name>``."""

    server: Server
    nodes: dict[str, Node] = field(default_factory=dict)
    url: str = ""  # where it listens

    @property
    def channels(self) -> set[tuple[str, str]]:
        """Policy and mode of whoever is connected."""
        binary: Any = self.server.bserver
        policies = [client.processor._connection.security_policy for client in binary.clients]  # noqa: SLF001
        return {(type(one).__name__.removeprefix("SecurityPolicy"), one.Mode.name) for one in policies}

    def want_plain_passwords(self) -> None:
        """From now on, on whatever line."""
        for endpoint in self.server.iserver.endpoints:
            for policy in endpoint.UserIdentityTokens:
                policy.SecurityPolicyUri = SecurityPolicyNone.URI

    def give_no_subscriptions(self) -> None:
        """From now on, like a small controller."""
        self.server.iserver.subscription_service.create_subscription = _refuse  # type: ignore[method-assign]

    @contextmanager
    def no_deadband(self) -> Iterator[None]:
        """Refuse filters meanwhile, as servers do for values that are no numbers."""
        service: Any = MonitoredItemService
        create = service._create_data_change_monitored_item  # noqa: SLF001

        async def choosy(self: Any, params: ua.MonitoredItemCreateRequest) -> ua.MonitoredItemCreateResult:
            if getattr(params.RequestedParameters.Filter, "DeadbandType", 0):
                refusal = ua.StatusCode(StatusCodes.BadFilterNotAllowed)  # type: ignore[arg-type]
                return ua.MonitoredItemCreateResult(StatusCode=refusal)
            result: ua.MonitoredItemCreateResult = await create(self, params)
            return result

        service._create_data_change_monitored_item = choosy  # noqa: SLF001
        try:
            yield
        finally:
            service._create_data_change_monitored_item = create  # noqa: SLF001

    @contextmanager
    def overheard(self) -> Iterator[list[list[object]]]:
        """What the nodes are called that each request for values names meanwhile."""
        service: Any = self.server.iserver.attribute_service
        read = service.read
        heard: list[list[object]] = []

        def hearing(parameters: ua.ReadParameters) -> list[ua.DataValue]:
            heard.append([one.NodeId.Identifier for one in parameters.NodesToRead])
            found: list[ua.DataValue] = read(parameters)
            return found

        service.read = hearing
        try:
            yield heard
        finally:
            service.read = read

    async def take_at_most(self, nodes: int) -> None:
        """From now on requests that name more nodes are refused; the limit stands where the standard has it stand."""
        for number in (ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead, MOST_MONITORED):
            said = ua.DataValue(ua.Variant(nodes, ua.VariantType.UInt32))
            await self.server.write_attribute_value(ua.NodeId(number), said)  # type: ignore[arg-type]
        attributes: Any = self.server.iserver.attribute_service
        subscriptions: Any = self.server.iserver.subscription_service
        read, monitor = attributes.read, subscriptions.create_monitored_items

        def small_read(parameters: ua.ReadParameters) -> Any:
            return _few(parameters.NodesToRead, nodes) and read(parameters)

        async def small_monitor(parameters: ua.CreateMonitoredItemsParameters) -> Any:
            return _few(parameters.ItemsToCreate, nodes) and await monitor(parameters)

        attributes.read, subscriptions.create_monitored_items = small_read, small_monitor

    async def add(self, name: str, value: object) -> None:
        """A new variable."""
        node_id = ua.NodeId.from_string(f"ns={INDEX};s={name}")
        self.nodes[name] = await self.server.nodes.objects.add_variable(node_id, name, value)

    async def remove(self, name: str) -> None:
        """The variable is gone, and no subscriber hears of it (what asyncua would tell them, it does not await)."""
        node = self.nodes.pop(name)
        space = self.server.iserver.aspace
        space._nodes[node.nodeid].attributes[AttributeIds.Value].datachange_callbacks.clear()  # noqa: SLF001
        await self.server.delete_nodes([node])

    async def say(
        self,
        name: str,
        value: object = None,
        *,
        status: int = StatusCodes.Good,
        source: datetime | None = None,
        kind: ua.VariantType | None = None,
    ) -> None:
        """The variable has a new value, status and source time (now, if not said)."""
        data = ua.DataValue(
            ua.Variant(value, kind) if kind else ua.Variant(value),
            ua.StatusCode(status),  # type: ignore[arg-type]
            SourceTimestamp=source or datetime.now(UTC),  # type: ignore[arg-type]
        )
        await self.server.write_attribute_value(self.nodes[name].nodeid, data)

    async def say_silently(self, name: str, value: object) -> None:
        """The value changes, and no subscriber hears of it: a server whose subscriptions have died unnoticed."""
        space = self.server.iserver.aspace
        data = ua.DataValue(ua.Variant(value), SourceTimestamp=datetime.now(UTC))  # type: ignore[arg-type]
        space._nodes[self.nodes[name].nodeid].attributes[AttributeIds.Value].value = data  # noqa: SLF001


@dataclass(frozen=True)
class Secured:
    """How a server is secured."""

    keys: Keys | Callable[[], Keys]  # or what makes them once the server, which takes its time, is all but started
    uri: str = SERVER_URI  # what it calls itself
    policies: Collection[ua.SecurityPolicyType] = ALL_POLICIES
    clients: CertificateValidatorMethod | None = None  # whom it lets in; everybody if not said


def _few(wanted: Sized, most: int) -> bool:
    if len(wanted) > most:
        raise ServiceError(StatusCodes.BadTooManyOperations)
    return True


async def _refuse(*_: object, **__: object) -> NoReturn:
    raise ServiceError(StatusCodes.BadServiceUnsupported)


class OneUser(UserManager):
    """Lets in one user with one password."""

    def __init__(self, name: str, password: str) -> None:
        self._login = name, password

    def get_user(
        self, iserver: Any, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> User | None:
        """The user, if these are the name and the password."""
        del iserver, certificate
        return User(role=UserRole.User, name=username) if (username, password) == self._login else None


@asynccontextmanager
async def opcua_server(
    values: Mapping[str, object],
    *,
    port: int = 0,
    users: UserManager | CertificateUserManager | None = None,
    secured: Secured | None = None,
    host: str = "127.0.0.1",
) -> AsyncIterator[OpcuaStation]:
    """Serve *values*, without security if not said otherwise."""
    server = Server(user_manager=cast("UserManager | None", users))
    await server.init()
    server.set_endpoint(f"opc.tcp://{host}:{port}/station")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    if secured is not None:
        await server.set_application_uri(secured.uri)
        own = secured.keys if isinstance(secured.keys, Keys) else secured.keys()
        await server.load_certificate(own.cert_file, "der")
        await server.load_private_key(own.key_file, None, "pem")
        server.set_security_policy(list(secured.policies))
        if secured.clients is not None:
            server.set_certificate_validator(secured.clients)
    await server.register_namespace(NAMESPACE)
    station = OpcuaStation(server)
    for name, value in values.items():
        await station.add(name, value)
    async with server:
        binary: Any = server.bserver
        port = binary._server.sockets[0].getsockname()[1]  # noqa: SLF001 - nothing else knows a port that was 0
        station.url = f"opc.tcp://{host}:{port}/station"
        yield station


@asynccontextmanager
async def opcua_process(port: int = 0, secured: Keys | None = None) -> AsyncIterator[tuple[Process, str]]:
    """A server that can be killed or frozen; yields the process and where it listens.

    Its variable ``counter`` counts tenths of a second since the epoch, so that each value says when it was true;
    ``steady`` stays as it is. Told ``remove``, ``add``, ``silent`` or ``aloud`` on a line of its standard input, it
    loses its counter, has it again, lets it count without telling its subscribers, and tells them again.
    """
    files = [] if secured is None else [str(secured.cert_file), str(secured.key_file)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        str(port),
        *files,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,  # asyncua's server complains of its clients
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    try:
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        process.stdin.close() if process.stdin else None


def _tenths() -> int:
    return int(time.time() * 10)


async def _count(port: int, *files: str) -> None:
    secured = None
    if files:
        cert_file, key_file = map(Path, files)
        secured = Secured(Keys(cert_file, key_file, read_certificate(cert_file)))
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with opcua_server({"counter": _tenths(), "steady": 1.0}, port=port, secured=secured) as station:
        print(station.url, flush=True)  # noqa: T201 - the parent reads it
        order = asyncio.create_task(reader.readline())
        is_silent = False
        while True:
            if "counter" in station.nodes:
                await (station.say_silently if is_silent else station.say)("counter", _tenths())
            await asyncio.wait([order], timeout=0.1)
            if not order.done():
                continue
            match order.result().decode().strip():
                case "remove":
                    await station.remove("counter")
                case "add":
                    await station.add("counter", _tenths())
                case "silent" | "aloud" as how:
                    is_silent = how == "silent"
                case _:
                    return  # the parent has gone
            order = asyncio.create_task(reader.readline())


if __name__ == "__main__":
    asyncio.run(_count(int(sys.argv[1]), *sys.argv[2:]))
