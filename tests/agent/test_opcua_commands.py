"""What a technician does before an OPC UA server is read: browse it, make a certificate, let check agree."""

import asyncio
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from asyncua import ua

from drivers.opcua.certificate import read_identity
from tests.simulators.opcua import opcua_server

SECURED = """
[station]
name = "north"
[[device]]
name = "works"
protocol = "opcua"
url = "opc.tcp://192.0.2.20:4840"
security = "Basic256Sha256"
cert_file = "pki/ours.der"
key_file = "pki/ours.pem"
trust_dir = "pki/trusted"
"""


async def called(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, output and complaints of the command as a person calls it."""
    command = [sys.executable, "-m", "agent", *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    output, complaints = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), complaints.decode()


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_what_browse_writes_check_accepts(tmp_path: Path) -> None:
    """Names of two pumps alike, a Chinese one, one with signs no topic may hold, a text, and a list left out."""
    tags, config = tmp_path / "tags.csv", tmp_path / "station.toml"
    async with opcua_server({"Drück, 1/+#": 1.0, "压力": 2.0, "mode": "auto", "list": [1, 2]}) as station:
        for name in ("A", "B"):
            pump = await station.server.nodes.objects.add_object(2, "Pump")
            flow = await pump.add_variable(ua.NodeId.from_string(f"ns=2;s=pump {name}; flow"), "Flow", 36.5)
            unit = ua.EUInformation(DisplayName=ua.LocalizedText("m³/h"))
            await flow.add_property(0, "EngineeringUnits", unit)
        status, table, told = await called("browse", station.url, "--output", tags)
    config.write_text(
        '[station]\nname = "north"\n[[device]]\nname = "works"\nprotocol = "opcua"\n'
        'url = "opc.tcp://192.0.2.20:4840"\ntags_file = "tags.csv"\n'
    )
    checked, summary, complaints = await called("check", config)

    assert (status, checked) == (0, 0), told + complaints
    assert tags.read_text().splitlines() == [
        "name,node,unit",
        'Dr_ck_1,"ns=2;s=Drück, 1/+#",',
        "node-2,ns=2;s=压力,",
        "mode,ns=2;s=mode,",
        "Pump.Flow,ns=2;s=pump A; flow,m³/h",
        "Pump.Flow-2,ns=2;s=pump B; flow,m³/h",
    ]
    assert "works: 5 tags" in summary
    assert "(no single value, cannot be a tag)" in table
    assert "6 variables, 5 of them can be tags" in told


async def test_browse_takes_a_device_of_a_configuration(tmp_path: Path) -> None:
    """With its security and login; and prints for programs too."""
    config = tmp_path / "station.toml"
    async with opcua_server({"flow": 36.5}) as station:
        config.write_text(
            f'[station]\nname = "north"\n[[device]]\nname = "works"\nprotocol = "opcua"\nurl = "{station.url}"\n'
        )
        status, output, _ = await called("browse", config, "works", "--json")
        wrong, _, complaint = await called("browse", config, "wroks")

    expected = {"name": "flow", "node": "ns=2;s=flow", "path": ["flow"], "type": "Double", "unit": "", "value": 36.5}
    assert status == 0
    assert json.loads(output) == {"whole": True, "variables": [expected]}
    assert (wrong, complaint) == (2, f"{config}: name one of its OPC UA devices behind it: works\n")


async def test_browse_says_who_does_not_answer() -> None:
    """In a sentence, without a traceback."""
    status, _, complaint = await called("browse", "opc.tcp://127.0.0.1:9")

    assert status == 2
    assert complaint.startswith("opc.tcp://127.0.0.1:9: opc.tcp://127.0.0.1:9 does not answer")
    assert "Traceback" not in complaint


async def test_the_certificate_that_a_configuration_asks_for_is_made(tmp_path: Path) -> None:
    """Check says how to make it; once it is made, check is content. Nobody but the owner can read the key."""
    config = tmp_path / "station.toml"
    config.write_text(SECURED)

    before, _, complaint = await called("check", config)
    status, told, _ = await called("opcua-cert", config, "--host", "192.0.2.5")
    after, _, _ = await called("check", config)

    cert_file, key_file = tmp_path / "pki" / "ours.der", tmp_path / "pki" / "ours.pem"
    certificate, _ = read_identity(cert_file, key_file)
    assert (before, status, after) == (2, 0, 0)
    assert "make it with `pump-agent opcua-cert CONFIG`" in complaint
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert certificate.uris == [f"urn:{os.uname().nodename}:pump-agent:north"]
    assert certificate.is_for("192.0.2.5")
    assert certificate.fingerprint in told
    assert (tmp_path / "pki" / "trusted").is_dir()
    assert "PRIVATE" not in told


async def test_a_certificate_is_replaced_only_by_force(tmp_path: Path) -> None:
    """Servers trust the old one: the station would go blind."""
    await called("opcua-cert", "--out", tmp_path)
    old = (tmp_path / "pump-agent.der").read_bytes()

    status, _, complaint = await called("opcua-cert", "--out", tmp_path)
    kept = (tmp_path / "pump-agent.der").read_bytes()
    forced, _, _ = await called("opcua-cert", "--out", tmp_path, "--force", "--days", "30")
    new, _ = read_identity(tmp_path / "pump-agent.der", tmp_path / "pump-agent.pem")

    assert (status, forced) == (2, 0)
    assert "write --force to replace it" in complaint
    assert kept == old
    assert (new.ends - new.begins).days == 31
    assert names_in(tmp_path) == {"pump-agent.der", "pump-agent.pem", "trusted"}
