"""Whose certificate is good enough: the folder, and every way not to be in it."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from drivers.opcua.certificate import Certificate, certificates, read_certificate
from drivers.opcua.trust import MOST_REJECTED, Trust
from drivers.reading import RefusedError
from tests.simulators.certificates import Keys, authority, keys, revocations, signed

WHO = "opc.tcp://192.0.2.20:4840"
NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    return trusted


def judge(folder: Path, *chain: Keys, host: str = "127.0.0.1", now: datetime = NOW) -> str | None:
    """Why a certificate is refused."""
    try:
        Trust(folder).judge(WHO, [one.certificate for one in chain], host, now)
    except RefusedError as error:
        return str(error)
    return None


def test_a_certificate_in_the_folder_is_trusted_under_any_name(tmp_path: Path, folder: Path) -> None:
    """It is this server's and no other's; PEM or DER, whatever the file is called."""
    server = keys(tmp_path, "works", hosts=["plc-17"])
    (folder / "as exported.CRT").write_bytes(server.certificate.content.public_bytes(Encoding.PEM))

    assert judge(folder, server, host="192.0.2.20") is None


def test_an_unknown_certificate_is_refused_and_kept_where_it_can_be_moved_up(tmp_path: Path, folder: Path) -> None:
    """The sentence names the file and the fingerprint to compare; moving the file is all there is to do."""
    server = keys(tmp_path, "works")
    (folder / "notes.txt").write_text("not a certificate")
    (folder / "broken.der").write_bytes(b"\x30\x82\xff")

    first = judge(folder, server)
    (kept,) = (folder / "rejected").iterdir()
    shutil.move(kept, folder)
    then = judge(folder, server)

    assert first == (
        f"{WHO} shows a certificate that nobody has trusted; if the server has the fingerprint "
        f"{server.certificate.fingerprint}, move {kept} to {folder}"
    )
    assert kept.name == f"works-{server.certificate.fingerprint[:16]}.der"
    assert then is None


def test_a_changed_certificate_is_told_from_a_new_one(tmp_path: Path, folder: Path) -> None:
    """Same application, same name, another key: renewed on the server, or an impostor; a person decides."""
    shutil.copy(keys(tmp_path, "works").cert_file, folder)
    again = keys(tmp_path, "works")

    sentence = judge(folder, again)

    assert sentence is not None
    assert sentence.startswith(f"{WHO} shows another certificate than the one trusted, or somebody else answers")
    assert (folder / "rejected" / f"works-{again.certificate.fingerprint[:16]}.der").is_file()


@pytest.mark.parametrize(
    ("days", "fact"), [((-30, -1), "expired on"), ((2, 30), "is valid from")], ids=["expired", "too young"]
)
def test_a_trusted_certificate_counts_only_while_it_is_valid(
    tmp_path: Path, folder: Path, days: tuple[int, int], fact: str
) -> None:
    """The folder does not make an expired certificate good, and the sentence does not send anybody to the folder."""
    begins, ends = (timedelta(days=day) for day in days)
    server = keys(tmp_path, "works", begins=begins, ends=ends)
    shutil.copy(server.cert_file, folder)

    sentence = judge(folder, server)

    assert sentence is not None
    assert sentence.startswith(f"the certificate of {WHO} {fact} ")
    assert not (folder / "rejected").exists()


def test_an_authority_vouches_for_its_servers_under_their_names(tmp_path: Path, folder: Path) -> None:
    """For every name it has signed for, in any case of letters, and for no other."""
    ca = authority(tmp_path, "utility")
    shutil.copy(ca.cert_file, folder)
    server = signed(tmp_path, "works", ca, hosts=["192.0.2.20", "plc-17.works.example"])

    assert judge(folder, server, ca, host="192.0.2.20") is None
    assert judge(folder, server, host="PLC-17.works.example") is None
    assert judge(folder, server, host="192.0.2.21") == (
        f"the certificate of {WHO} is not for 192.0.2.21; write one of plc-17.works.example, 192.0.2.20 in url, "
        "or trust it by itself"
    )


def test_a_forged_authority_vouches_for_nobody(tmp_path: Path, folder: Path) -> None:
    """The same name and another key; also where it is sent along, and where a mere server poses as one."""
    for name in ("true", "false"):
        (tmp_path / name).mkdir()
    true, false = authority(tmp_path / "true", "utility"), authority(tmp_path / "false", "utility")
    pinned = keys(tmp_path, "other")
    shutil.copy(true.cert_file, folder)
    shutil.copy(pinned.cert_file, folder)

    assert judge(folder, signed(tmp_path, "works", false), false) is not None
    assert judge(folder, signed(tmp_path, "works", pinned), pinned) is not None


def test_a_revoked_certificate_is_refused(tmp_path: Path, folder: Path) -> None:
    """Where the authority says so itself: a list that somebody else has signed revokes nothing."""
    (tmp_path / "false").mkdir()
    ca, false = authority(tmp_path, "utility"), authority(tmp_path / "false", "utility")
    shutil.copy(ca.cert_file, folder)
    stolen, good = signed(tmp_path, "stolen", ca), signed(tmp_path, "good", ca)
    (folder / "true.crl").write_bytes(revocations(ca, stolen))
    (folder / "false.crl").write_bytes(revocations(false, good))

    assert judge(folder, stolen) == f"the certificate of {WHO} has been revoked; have a new one made on the server"
    assert judge(folder, good) is None


def test_a_revocation_list_that_cannot_be_read_lets_nobody_in(tmp_path: Path, folder: Path) -> None:
    """It may be the one that revokes this server."""
    server = keys(tmp_path, "works")
    shutil.copy(server.cert_file, folder)
    (folder / "broken.crl").write_bytes(b"half a li")

    assert judge(folder, server) == (
        f"{folder / 'broken.crl'} is no revocation list that can be read; replace it or take it away"
    )


def test_a_weak_key_is_refused(tmp_path: Path, folder: Path) -> None:
    """1,024 bits are broken, whoever trusts them."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - that is the point
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "old")])
    content = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - timedelta(1), NOW + timedelta(1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    old = Certificate(content.public_bytes(Encoding.DER), content)
    (folder / "old.der").write_bytes(old.der)

    assert judge(folder, Keys(tmp_path, tmp_path, old)) == (
        f"the certificate of {WHO} has a key that is too weak; have one with an RSA key of 2048 bits or more made "
        "on the server"
    )


def test_whoever_shows_new_certificates_all_the_time_does_not_fill_the_disk(tmp_path: Path, folder: Path) -> None:
    """The newest are kept."""
    rejected = folder / "rejected"
    rejected.mkdir()
    for number in range(MOST_REJECTED + 5):
        (rejected / f"old-{number}.der").touch()

    judge(folder, keys(tmp_path, "evil", called="../../evil \n<b>"))

    names = [path.name for path in rejected.iterdir()]
    assert len(names) == MOST_REJECTED
    assert [name for name in names if name.startswith("evil_b-")] != []


def test_a_chain_is_cut_into_its_certificates(tmp_path: Path) -> None:
    """As servers send them: one after the other without anything between."""
    ca = authority(tmp_path, "utility")
    server = signed(tmp_path, "works", ca)

    found = certificates(server.certificate.der + ca.certificate.der)

    assert [one.name for one in found] == ["works", "utility"]
    assert read_certificate(server.cert_file).fingerprint == server.certificate.fingerprint
