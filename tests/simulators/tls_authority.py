"""A certification authority for brokers in tests, and what it signs; OPC UA has its own in `certificates`."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, as PEM files."""

    cert: Path
    key: Path


class Authority:
    """Signs identities; `cert` is what clients trust, for *days* from now."""

    def __init__(self, folder: Path, name: str = "authority", days: float = 365) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.cert = self._write(name, self._key, self._certificate(self._name, self._key, days)).cert

    def sign(self, name: str, address: str = "127.0.0.1", days: float = 365) -> Identity:
        """An identity that is valid for one address, and for *days* from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return self._write(name, key, self._certificate(subject, key, days, address))

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: float, address: str | None = None
    ) -> x509.Certificate:
        """One of a machine at *address*, or without it that of an authority."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=address is None, path_length=None), critical=True)
        )
        if address is not None:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> Identity:
        identity = Identity(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        identity.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        identity.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return identity
