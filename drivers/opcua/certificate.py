"""Certificates as technicians handle them: read, made, told apart by their fingerprints."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from drivers.reading import RefusedError

KEY_BITS = 2048  # what every policy takes; some servers refuse 4096
LEEWAY = timedelta(hours=24)  # a server whose clock is behind shall not find our new certificate too young


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate, as it travels and as it is understood."""

    der: bytes
    content: x509.Certificate

    @property
    def fingerprint(self) -> str:
        """The SHA-1 of the whole, which is what OPC UA servers show as the thumbprint."""
        return self.content.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - a name, not a proof

    @property
    def strong_fingerprint(self) -> str:
        """The SHA-256 of the whole."""
        return self.content.fingerprint(hashes.SHA256()).hex().upper()

    @property
    def name(self) -> str:
        """What it is called: its common name, or else everything its subject says."""
        names = self.content.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else self.content.subject.rfc4514_string()

    @property
    def uris(self) -> list[str]:
        """The applications it is for."""
        names = self._names()
        return [] if names is None else names.get_values_for_type(x509.UniformResourceIdentifier)

    @property
    def hosts(self) -> list[str]:
        """The machines it is for: names and addresses."""
        names = self._names()
        if names is None:
            return []
        addresses = names.get_values_for_type(x509.IPAddress)
        return [*names.get_values_for_type(x509.DNSName), *map(str, addresses)]

    @property
    def begins(self) -> datetime:
        """When it becomes valid."""
        return self.content.not_valid_before_utc

    @property
    def ends(self) -> datetime:
        """When it is no longer valid."""
        return self.content.not_valid_after_utc

    def is_for(self, host: str) -> bool:
        """Whether *host*, a name or an address, is among its machines."""
        return any(_same_host(host, one) for one in self.hosts)

    def _names(self) -> x509.SubjectAlternativeName | None:
        try:
            return self.content.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return None


def certificates(data: bytes) -> list[Certificate]:
    """Every certificate of a file or a message: PEM, DER, or DER after DER, as chains travel.

    Raises:
        ValueError: It holds none, or something else too.
    """
    if b"-----BEGIN" in data:
        found = x509.load_pem_x509_certificates(data)
    else:
        found = [x509.load_der_x509_certificate(der) for der in _cut(data)]
    return [Certificate(one.public_bytes(Encoding.DER), one) for one in found]


def read_certificate(path: Path) -> Certificate:
    """The first certificate of a file.

    Raises:
        OSError: It cannot be read.
        ValueError: It holds no certificate.
    """
    return certificates(path.read_bytes())[0]


def read_identity(certificate: Path | None, key: Path | None) -> tuple[Certificate, rsa.RSAPrivateKey]:
    """A certificate and its key.

    Raises:
        RefusedError: They cannot be read, or do not belong together.
    """
    if certificate is None or key is None:
        raise AssertionError("settings without certificate and key were taken")
    try:
        found = read_certificate(certificate)
    except (OSError, ValueError, IndexError) as error:
        raise RefusedError(
            f"cannot read the certificate {certificate} ({error}); correct the path or make one"
        ) from error
    try:
        data = key.read_bytes()
        secret = load_pem_private_key(data, None) if b"-----BEGIN" in data else load_der_private_key(data, None)
    except (OSError, ValueError, TypeError) as error:  # TypeError where it has a password
        reason = error.strerror if isinstance(error, OSError) else "it is no key, or has a password"
        raise RefusedError(f"cannot read the key {key} ({reason}); correct the path") from error
    if not isinstance(secret, rsa.RSAPrivateKey) or secret.public_key() != found.content.public_key():
        raise RefusedError(f"{key} is not the key of {certificate}; correct one of the two paths")
    return found, secret


def create(uri: str, hosts: Sequence[str], *, name: str, lasts: timedelta, now: datetime) -> tuple[Certificate, bytes]:
    """A certificate of an application, signed by itself, and its key as PEM without a password.

    What it says follows OPC 10000-6, 6.2.2: the application's URI and hosts as alternative names, the
    four usages of a key, both sides of a connection (some servers refuse one that is for clients only).
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    others = [_alternative(host) for host in dict.fromkeys(hosts)]
    public = key.public_key()
    content = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .not_valid_before(now - LEEWAY)
        .not_valid_after(now + lasts)
        .serial_number(x509.random_serial_number())
        .public_key(public)
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri), *others]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_USAGE, critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Certificate(content.public_bytes(Encoding.DER), content), pem


_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=True,
    key_encipherment=True,
    data_encipherment=True,
    key_agreement=False,
    key_cert_sign=True,  # it signs itself
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _same_host(host: str, pattern: str) -> bool:
    """Whether they are the same, in any case of letters; a star stands for one label."""
    expression = re.escape(pattern.casefold()).replace(r"\*", "[^.]+", 1)
    return re.fullmatch(expression, host.casefold()) is not None


def _cut(data: bytes) -> list[bytes]:
    """The certificates of a chain: each says in its first bytes how long it is (X.690, 8.1.3)."""
    found = []
    while data:
        size, head = (data[1:2] or b"\0")[0], 2
        if size & 0x80:
            head += size & 0x7F
            size = int.from_bytes(data[2:head], "big")
        found.append(data[: head + size])
        data = data[head + size :]
    return found
