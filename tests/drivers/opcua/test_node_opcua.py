"""The driver against a server that nobody here wrote: node-opcua's, where it is installed."""

import asyncio
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from drivers.opcua.browse import Walk
from drivers.opcua.driver import OpcuaDriver
from drivers.opcua.session import Session
from drivers.opcua.settings import OpcuaSettings
from drivers.reading import Quality, Reading, RefusedError, UnreachableError
from tests.simulators.certificates import OUR_URI, keys
from tests.simulators.nodeopcua import NodeServer, missing, node_server

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.slow,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        port: int = one.getsockname()[1]
        return port


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NodeServer]:
    async with node_server(tmp_path_factory.mktemp("pki"), free_port()) as running:
        yield running


def settings(url: str, *names: str, **other: object) -> OpcuaSettings:
    tags = [{"name": name, "node": f"ns=1;s={name}"} for name in names]
    device = {"name": "works", "protocol": "opcua", "url": url, "period": 0.2, "timeout": 2.0, "tag": tags}
    return OpcuaSettings.model_validate({**device, **other})


async def polled(works: OpcuaDriver, ticks: int) -> list[Reading]:
    readings: list[Reading] = []
    for tick in range(ticks):
        readings += await works.read(tick)
        await asyncio.sleep(0.2)
    return readings


@pytest.mark.parametrize("mode", ["subscribe", "poll"])
async def test_its_values_are_read(server: NodeServer, mode: str) -> None:
    """Numbers, texts, and a node it does not have; a counter never goes back."""
    async with OpcuaDriver(settings(server.url, "counter", "flow", "mode", "gone", mode=mode)) as works:
        readings = await polled(works, 6)

    by_tag = {tag: [one for one in readings if one.tag == tag] for tag in ("counter", "flow", "mode", "gone")}
    counted = [one.value for one in by_tag["counter"] if isinstance(one.value, float)]
    assert counted == sorted(counted)
    assert counted[-1] > counted[0]
    assert {(one.value, one.quality) for one in by_tag["flow"]} == {(36.5, Quality.GOOD)}
    assert {one.value for one in by_tag["mode"]} == {"auto"}
    assert {one.reason for one in by_tag["gone"]} == {"unknown node ns=1;s=gone (BadNodeIdUnknown)"}


async def test_it_is_browsed_with_its_units(server: NodeServer) -> None:
    async with Session(settings(server.url)) as session:
        found = await Walk(session, depth=5, limit=500).below()

    assert [(".".join(one.path), one.node, one.unit) for one in found.variables] == [
        ("Works.Counter", "ns=1;s=counter", ""),
        ("Works.Flow", "ns=1;s=flow", "bar"),
        ("Works.Mode", "ns=1;s=mode", ""),
    ]


async def test_both_sides_refuse_each_other_until_a_person_has_trusted(server: NodeServer, tmp_path: Path) -> None:
    """The whole exchange as docs/devices.md has it, then every policy and mode, and the login."""
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    ours = keys(tmp_path, "ours", uri=OUR_URI)
    secured = {"cert_file": ours.cert_file, "key_file": ours.key_file, "trust_dir": trusted}
    (tmp_path / "password").write_text("open sesame")
    login = {"user": "pump", "password_file": tmp_path / "password"}

    unknown = await _refusal(settings(server.url, "flow", security="Basic256Sha256", **secured))
    _move(trusted / "rejected", trusted)
    stranger = await _refusal(settings(server.url, "flow", security="Basic256Sha256", **secured))
    server.accept()
    await _accepted(settings(server.url, "flow", security="Basic256Sha256", **secured))
    values = []
    for policy in ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"):
        for mode in ("Sign", "SignAndEncrypt"):
            wish = settings(server.url, "flow", security=policy, security_mode=mode, **secured, **login)
            async with OpcuaDriver(wish) as works:
                values += [one.value for one in await works.read(0)]

    assert "shows a certificate that nobody has trusted" in unknown
    assert f"if the server has the fingerprint {server.certificate.fingerprint}" in unknown
    assert f"have our certificate with the fingerprint {ours.certificate.fingerprint} trusted on the server" in stranger
    assert values == [36.5] * 6


async def test_it_is_noticed_when_it_freezes(tmp_path: Path) -> None:
    """Within 15 s, and no value is told meanwhile that is not its."""
    async with node_server(tmp_path, free_port()) as one, OpcuaDriver(settings(one.url, "counter")) as works:
        await polled(works, 3)
        one.process.send_signal(signal.SIGSTOP)
        with pytest.raises(UnreachableError):
            async with asyncio.timeout(15):
                await polled(works, 1000)


async def _refusal(wish: OpcuaSettings) -> str:
    with pytest.raises(RefusedError) as caught:
        await OpcuaDriver(wish).__aenter__()
    return str(caught.value)


async def _accepted(wish: OpcuaSettings) -> None:
    """Wait until the server has noticed whom it trusts now."""
    async with asyncio.timeout(30):
        while True:
            try:
                async with OpcuaDriver(wish):
                    return
            except RefusedError:
                await asyncio.sleep(0.5)


def _move(rejected: Path, trusted: Path) -> None:
    (kept,) = rejected.iterdir()
    shutil.move(kept, trusted)
