"""Secured means refused where it cannot be secured: asyncua's server, well and in every wrong way."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.crypto.truststore import TrustStore
from asyncua.crypto.validator import CertificateValidator, CertificateValidatorOptions
from asyncua.server.user_managers import CertificateUserManager
from cryptography.hazmat.primitives.serialization import Encoding

from drivers.opcua.driver import OpcuaDriver
from drivers.opcua.settings import OpcuaSettings
from drivers.reading import DriverError, Quality, RefusedError
from tests.simulators.certificates import OUR_URI, Keys, authority, keys, signed
from tests.simulators.opcua import OneUser, OpcuaStation, Secured, opcua_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRONGEST = "Aes256Sha256RsaPss"


@dataclass
class Plant:
    """What a technician has prepared: our certificate, the server's, and a folder that trusts it."""

    folder: Path
    ours: Keys
    server: Keys
    trusted: Path

    def settings(self, url: str, **other: object) -> OpcuaSettings:
        device: dict[str, Any] = {
            "name": "works",
            "protocol": "opcua",
            "url": url,
            "period": 0.1,
            "timeout": 2.0,
            "security": STRONGEST,
            "cert_file": self.ours.cert_file,
            "key_file": self.ours.key_file,
            "trust_dir": self.trusted,
            "tag": [{"name": "flow", "node": "ns=2;s=flow"}],
        }
        wanted = {key: value for key, value in (device | other).items() if value is not None}
        return OpcuaSettings.model_validate(wanted)

    def driver(self, url: str, **other: object) -> OpcuaDriver:
        return OpcuaDriver(self.settings(url, **other), look_period=0.05)

    async def refusal(self, url: str, **other: object) -> str:
        """Why the driver does not open."""
        with pytest.raises(RefusedError) as caught:
            await self.driver(url, **other).__aenter__()
        return str(caught.value)


def plant_in(folder: Path) -> Plant:
    trusted = folder / "trusted"
    trusted.mkdir()
    plant = Plant(folder, keys(folder, "ours", uri=OUR_URI, hosts=["hillside"]), keys(folder, "works"), trusted)
    shutil.copy(plant.server.cert_file, trusted)
    return plant


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return plant_in(tmp_path)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return plant_in(tmp_path_factory.mktemp("settled"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station(settled: Plant) -> AsyncIterator[OpcuaStation]:
    """A secured server for all tests that do not break it."""
    async with opcua_server({"flow": 36.5}, secured=Secured(settled.server)) as server:
        yield server


@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
@pytest.mark.parametrize("policy", ["Basic256Sha256", "Aes128Sha256RsaOaep", STRONGEST])
async def test_every_sound_policy_is_spoken(settled: Plant, station: OpcuaStation, policy: str, mode: str) -> None:
    """And the session is what was asked for, as the server sees it."""
    async with settled.driver(station.url, security=policy, security_mode=mode) as works:
        (reading,) = await works.read(0)
        (channel,) = station.channels

    assert reading[2:] == (36.5, Quality.GOOD, None)
    assert channel == (policy, mode)


async def test_an_untrusted_server_is_refused_until_its_certificate_is_moved(
    settled: Plant, station: OpcuaStation, tmp_path: Path
) -> None:
    """Before our certificate or a password is shown to it; what the sentence asks for is all there is to do."""
    empty = tmp_path / "trusted"
    empty.mkdir()

    sentence = await settled.refusal(station.url, trust_dir=empty)
    (kept,) = (empty / "rejected").iterdir()
    assert f"move {kept} to {empty}" in sentence
    shutil.move(kept, empty)
    async with settled.driver(station.url, trust_dir=empty) as works:
        (reading,) = await works.read(0)

    assert sentence.startswith(f"{station.url} shows a certificate that nobody has trusted; ")
    assert reading.value == 36.5


async def test_a_changed_certificate_is_refused_and_nothing_weaker_is_tried(plant: Plant) -> None:
    """The server offers None too, and whoever stands in its place would like us to take it."""
    (plant.folder / "new").mkdir()
    changed = keys(plant.folder / "new", "works")

    async with opcua_server({"flow": 1.0}, secured=Secured(changed)) as works:
        sentence = await plant.refusal(works.url)
        await asyncio.sleep(0.05)  # lets the server see that we have gone
        channels = works.channels

    assert sentence.startswith(f"{works.url} shows another certificate than the one trusted, or somebody else answers")
    assert channels == set()


async def test_a_server_that_offers_no_such_security_is_refused(plant: Plant) -> None:
    """With what it offers, so that a person can choose; never a downgrade."""
    weak = Secured(plant.server, policies=[ua.SecurityPolicyType.NoSecurity, ua.SecurityPolicyType.Basic256Sha256_Sign])

    async with opcua_server({"flow": 1.0}, secured=weak) as works:
        sentence = await plant.refusal(works.url)

    assert sentence == (
        f"{works.url} does not offer Aes256Sha256RsaPss with SignAndEncrypt; it offers Basic256Sha256 with Sign, None"
    )


async def test_a_server_that_wants_security_says_so(plant: Plant) -> None:
    """Where the configuration says None."""
    strict = Secured(plant.server, policies=[ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])

    async with opcua_server({"flow": 1.0}, secured=strict) as works:
        sentence = await plant.refusal(works.url, security=None, cert_file=None, key_file=None, trust_dir=None)

    assert sentence == f"{works.url} does not offer None; it offers Basic256Sha256 with SignAndEncrypt"


async def test_an_expired_certificate_is_refused(plant: Plant) -> None:
    """Though it lies in the folder."""
    (plant.folder / "old").mkdir()
    old = keys(plant.folder / "old", "works", begins=timedelta(days=-400), ends=timedelta(days=-1))
    shutil.copy(old.cert_file, plant.trusted)

    async with opcua_server({"flow": 1.0}, secured=Secured(old)) as works:
        sentence = await plant.refusal(works.url)

    assert sentence.startswith(f"the certificate of {works.url} expired on ")


@pytest.mark.parametrize("mode", ["subscribe", "poll"])
async def test_trust_that_is_withdrawn_ends_the_connection(
    plant: Plant, station: OpcuaStation, settled: Plant, mode: str
) -> None:
    """At the next look, in operation within 10 s; the same look finds a certificate that has expired meanwhile."""
    shutil.copy(settled.server.cert_file, plant.trusted / "other.der")

    async with plant.driver(station.url, mode=mode) as works:
        await works.read(0)
        (plant.trusted / "other.der").unlink()
        error = await _trouble(works)

    assert isinstance(error, RefusedError)
    assert "shows another certificate than the one trusted" in str(error)


async def test_a_certificate_that_expires_while_it_is_used_ends_the_connection(plant: Plant) -> None:
    """An old connection is no better than a new one. Takes the seconds that the certificate has left."""
    (plant.folder / "brief").mkdir()

    def brief() -> Keys:
        made = keys(plant.folder / "brief", "works", begins=timedelta(days=-1), ends=timedelta(seconds=12))
        shutil.copy(made.cert_file, plant.trusted)
        return made

    async with opcua_server({"flow": 1.0}, secured=Secured(brief)) as server, plant.driver(server.url) as works:
        warning = works.warning()
        await works.read(0)
        error = await _trouble(works)

    assert isinstance(error, RefusedError)
    assert "expired on" in str(error)
    assert warning is not None
    assert "in 0 days; have it renewed on the server" in warning


async def test_an_authority_vouches_for_a_server_it_has_signed_for(plant: Plant) -> None:
    """A utility with many stations trusts one certificate; it vouches for the machine that the address names."""
    ca = authority(plant.folder, "utility")
    (plant.trusted / "works.der").unlink()
    shutil.copy(ca.cert_file, plant.trusted)
    (plant.folder / "good").mkdir()
    (plant.folder / "stolen").mkdir()
    good = signed(plant.folder / "good", "works", ca)
    stolen = signed(plant.folder / "stolen", "other", ca, hosts=["192.0.2.99"])

    async with opcua_server({"flow": 1.0}, secured=Secured(good)) as server, plant.driver(server.url) as works:
        (reading,) = await works.read(0)
    async with opcua_server({"flow": 1.0}, secured=Secured(stolen)) as server:
        sentence = await plant.refusal(server.url)

    assert reading.value == 1.0
    assert sentence.startswith(f"the certificate of {server.url} is not for 127.0.0.1; write one of 192.0.2.99 in url")


async def test_a_certificate_of_another_application_is_refused(plant: Plant) -> None:
    """What a server calls itself and what its certificate is for must be the same (OPC 10000-4, 6.1.3)."""
    async with opcua_server({"flow": 1.0}, secured=Secured(plant.server, uri="urn:some:other")) as works:
        sentence = await plant.refusal(works.url)

    assert sentence == (
        f"{works.url} calls itself urn:some:other, and its certificate is for urn:works:server; "
        "have a certificate with the right application URI made on the server"
    )


async def test_a_stolen_certificate_is_worth_nothing_without_its_key(plant: Plant) -> None:
    """An impostor shows the trusted certificate, which is public."""
    (plant.folder / "false").mkdir()
    false = keys(plant.folder / "false", "works")
    impostor = Keys(plant.server.cert_file, false.key_file, plant.server.certificate)

    async with opcua_server({"flow": 1.0}, secured=Secured(impostor)) as works:
        with pytest.raises(DriverError):
            await plant.driver(works.url).__aenter__()


async def test_a_server_that_does_not_trust_us_says_what_to_do(plant: Plant) -> None:
    """On the server, with the fingerprint that it shows there."""
    others = plant.folder / "others"
    others.mkdir()
    shutil.copy(plant.server.cert_file, others)
    store = TrustStore([others], [])
    await store.load()
    options = CertificateValidatorOptions.TRUSTED | CertificateValidatorOptions.PEER_CLIENT
    strict = Secured(plant.server, clients=CertificateValidator(options, store))

    async with opcua_server({"flow": 1.0}, secured=strict) as works:
        sentence = await plant.refusal(works.url)

    fingerprint = plant.ours.certificate.fingerprint
    assert sentence == (
        f"{works.url} turns us away (BadCertificateUntrusted); "
        f"have our certificate with the fingerprint {fingerprint} trusted on the server"
    )


async def test_a_password_travels_encrypted(plant: Plant) -> None:
    """Under every policy, in both modes; the wrong one is refused in words."""
    right, wrong = plant.folder / "right", plant.folder / "wrong"
    right.write_text("open sesame\n")
    wrong.write_text("guess\n")
    users = OneUser("pump", "open sesame")

    async with opcua_server({"flow": 1.0}, secured=Secured(plant.server), users=users) as server:
        async with plant.driver(server.url, user="pump", password_file=right) as works:
            (reading,) = await works.read(0)
        refused = await plant.refusal(server.url, user="pump", password_file=wrong)
        nobody = await plant.refusal(server.url)

    assert reading.value == 1.0
    assert refused == f"{server.url} turns us away (BadUserAccessDenied); correct user and password_file"
    assert nobody == f"{server.url} turns us away (BadUserAccessDenied); add user and password_file"


async def test_a_password_is_not_shouted_over_a_line_that_is_only_signed(plant: Plant) -> None:
    """Some servers want it in clear text whatever the line, and asyncua would only warn."""
    password = plant.folder / "password"
    password.write_text("open sesame\n")
    login = {"user": "pump", "password_file": password}

    async with opcua_server({"flow": 1.0}, secured=Secured(plant.server), users=OneUser("pump", "open sesame")) as one:
        one.want_plain_passwords()
        sentence = await plant.refusal(one.url, **login, security_mode="Sign")
        values = []
        for settings in ({"security_mode": "Sign", "plain_password": True}, {"security_mode": "SignAndEncrypt"}):
            async with plant.driver(one.url, **login, **settings) as works:
                values += [reading.value for reading in await works.read(0)]

    assert sentence.startswith(f"{one.url} wants the password in clear text; ")
    assert values == [1.0, 1.0]


async def test_a_certificate_is_a_login_too(plant: Plant) -> None:
    """Of the user, beside that of the application."""
    user = keys(plant.folder, "operator", uri="urn:operator")
    users = CertificateUserManager()
    await users.add_user(user.cert_file, "operator", "der")

    async with opcua_server({"flow": 1.0}, secured=Secured(plant.server), users=users) as server:
        login = {"user_cert_file": user.cert_file, "user_key_file": user.key_file}
        async with plant.driver(server.url, **login) as works:
            (reading,) = await works.read(0)
        stranger = {"user_cert_file": plant.ours.cert_file, "user_key_file": plant.ours.key_file}
        refused = await plant.refusal(server.url, **stranger)

    assert reading.value == 1.0
    assert refused.endswith("have the server accept user_cert_file as a user")


async def test_our_own_files_are_judged_before_they_are_used(plant: Plant, station: OpcuaStation) -> None:
    """A key of another certificate, a key that is none: the sentence names the file."""
    (plant.trusted / "station.der").write_bytes(_der(station))
    nothing = plant.folder / "nothing.pem"
    nothing.write_text("no key")

    foreign = await plant.refusal(station.url, cert_file=plant.server.cert_file)
    broken = await plant.refusal(station.url, key_file=nothing)

    assert foreign == (
        f"{plant.ours.key_file} is not the key of {plant.server.cert_file}; correct one of the two paths"
    )
    assert broken == f"cannot read the key {nothing} (it is no key, or has a password); correct the path"


async def test_a_folder_that_cannot_be_written_is_named(settled: Plant, station: OpcuaStation, tmp_path: Path) -> None:
    """The certificate is refused all the same."""
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    (trusted / "rejected").write_text("a file stands in the way")

    sentence = await settled.refusal(station.url, trust_dir=trusted)

    assert sentence.startswith(f"{station.url} shows a certificate that nobody has trusted; its copy could not be put")


def _der(station: OpcuaStation) -> bytes:
    certificate: Any = station.server.iserver.certificate
    return bytes(certificate.public_bytes(Encoding.DER))


async def _trouble(works: OpcuaDriver) -> DriverError:
    """Poll until it fails."""
    tick = 0
    while True:
        tick += 1
        try:
            await works.read(tick)
        except DriverError as error:
            return error
        await asyncio.sleep(0.1)
