"""Certificates of a plant: of its servers, of us, of an authority; good, expired and forged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from drivers.opcua.certificate import Certificate, create

SERVER_URI = "urn:works:server"
OUR_URI = "urn:hillside:pump-agent"
LONG = timedelta(days=3650)


@dataclass(frozen=True)
class Keys:
    """A certificate and its key, in files."""

    cert_file: Path
    key_file: Path
    certificate: Certificate


def keys(
    folder: Path,
    name: str,
    *,
    uri: str = SERVER_URI,
    hosts: Sequence[str] = ("127.0.0.1", "localhost"),
    begins: timedelta = timedelta(0),
    ends: timedelta = LONG,
    called: str = "",
) -> Keys:
    """A certificate signed by itself; *begins* and *ends* are counted from now."""
    now = datetime.now(UTC) + begins
    made, key = create(uri, hosts, name=called or name, now=now, lasts=ends - begins)
    return _kept(folder, name, made, key)


def signed(
    folder: Path, name: str, authority: Keys, *, uri: str = SERVER_URI, hosts: Sequence[str] = ("127.0.0.1",)
) -> Keys:
    """A certificate that an authority has signed."""
    made, key = create(uri, hosts, name=name, lasts=LONG, now=datetime.now(UTC))
    secret = load_pem_private_key(authority.key_file.read_bytes(), None)
    assert isinstance(secret, rsa.RSAPrivateKey)
    builder = (
        x509.CertificateBuilder()
        .subject_name(made.content.subject)
        .issuer_name(authority.certificate.content.subject)
        .not_valid_before(made.begins)
        .not_valid_after(made.ends)
        .serial_number(x509.random_serial_number())
        .public_key(made.content.public_key())
    )
    for extension in made.content.extensions:
        if extension.oid != x509.AuthorityKeyIdentifier.oid:
            builder = builder.add_extension(extension.value, extension.critical)
    content = builder.sign(secret, hashes.SHA256())
    return _kept(folder, name, Certificate(content.public_bytes(Encoding.DER), content), key)


def authority(folder: Path, name: str) -> Keys:
    """One who signs for servers."""
    _, key = create("urn:authority", [], name=name, lasts=LONG, now=datetime.now(UTC))
    secret = load_pem_private_key(key, None)
    assert isinstance(secret, rsa.RSAPrivateKey)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    content = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LONG)
        .serial_number(x509.random_serial_number())
        .public_key(secret.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(secret.public_key()), critical=False)
        .sign(secret, hashes.SHA256())
    )
    return _kept(folder, name, Certificate(content.public_bytes(Encoding.DER), content), key)


def revocations(by: Keys, *revoked: Keys) -> bytes:
    """A revocation list (DER) of an authority."""
    secret = load_pem_private_key(by.key_file.read_bytes(), None)
    assert isinstance(secret, rsa.RSAPrivateKey)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.content.subject)
        .last_update(now)
        .next_update(now + timedelta(days=30))
    )
    for one in revoked:
        number = one.certificate.content.serial_number
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now).build()
        )
    return builder.sign(secret, hashes.SHA256()).public_bytes(Encoding.DER)


def _kept(folder: Path, name: str, certificate: Certificate, key: bytes) -> Keys:
    cert_file, key_file = folder / f"{name}.der", folder / f"{name}.pem"
    cert_file.write_bytes(certificate.der)
    key_file.write_bytes(key)
    return Keys(cert_file, key_file, certificate)
