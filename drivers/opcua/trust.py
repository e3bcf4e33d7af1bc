"""Whom we trust: a folder of certificates, and what is said of a server whose certificate is not good enough.

The folder holds certificates of servers, or of the authorities that sign them, as .der, .pem, .crt or .cer, and
revocation lists as .crl. What is turned down is put into its folder ``rejected``: moved up, it is trusted.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from drivers.opcua.certificate import Certificate, certificates
from drivers.reading import RefusedError

SUFFIXES = (".der", ".pem", ".crt", ".cer")
REJECTED = "rejected"
MOST_REJECTED = 50  # files; whoever shows a new certificate each time shall not fill the disk
LEAST_BITS = 2048  # of an RSA key; all policies we speak ask for it


class Trust:
    """A folder of certificates; read anew at each judgement, so that what a technician moves counts at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def judge(self, who: str, chain: Sequence[Certificate], host: str, now: datetime) -> None:
        """Whether the first of *chain* may be the server *who* at *host*; it blocks for some milliseconds.

        Raises:
            RefusedError: It may not; the sentence says what to do.
        """
        server = chain[0]
        if now >= server.ends:
            remedy = "have it renewed on the server and trust the new one"
            raise RefusedError(f"the certificate of {who} expired on {_day(server.ends)}; {remedy}")
        if now < server.begins:
            remedy = "set the clock of whichever machine is wrong"
            raise RefusedError(f"the certificate of {who} is valid from {_day(server.begins)} only; {remedy}")
        key = server.content.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < LEAST_BITS:
            remedy = f"have one with an RSA key of {LEAST_BITS} bits or more made on the server"
            raise RefusedError(f"the certificate of {who} has a key that is too weak; {remedy}")
        known = list(self._known())
        is_pinned = any(one.der == server.der for one in known)
        if not is_pinned and not _is_signed(chain, known, now):
            raise RefusedError(self._distrust(who, server, known))
        if self._is_revoked(server, known):
            raise RefusedError(f"the certificate of {who} has been revoked; have a new one made on the server")
        if not is_pinned and not server.is_for(host):
            # one that is itself in the folder is this server's and no other's, by whatever name it is called
            remedy = (
                f"write one of {', '.join(server.hosts) or 'its names (it has none)'} in url, or trust it by itself"
            )
            raise RefusedError(f"the certificate of {who} is not for {host}; {remedy}")

    def _distrust(self, who: str, server: Certificate, known: Sequence[Certificate]) -> str:
        """Why a good certificate is not trusted, and what to do about it."""
        fact = f"{who} shows a certificate that nobody has trusted"
        if any(set(one.uris) & set(server.uris) or one.name == server.name for one in known):
            fact = f"{who} shows another certificate than the one trusted, or somebody else answers in its place"
        try:
            kept = self._reject(server)
        except OSError as error:
            place = f"its copy could not be put into {self._folder / REJECTED} ({error.strerror})"
        else:
            place = f"if the server has the fingerprint {server.fingerprint}, move {kept} to {self._folder}"
        return f"{fact}; {place}"

    def _reject(self, server: Certificate) -> Path:
        """Keep a certificate where a technician finds it.

        Raises:
            OSError: The folder cannot be written.
        """
        folder = self._folder / REJECTED
        folder.mkdir(exist_ok=True)
        label = re.sub(r"[^A-Za-z0-9.-]+", "_", server.name)[:40].strip("._-") or "server"
        kept = folder / f"{label}-{server.fingerprint[:16]}.der"
        if not kept.exists():
            older = sorted(folder.glob("*.der"), key=lambda path: path.stat().st_mtime)
            for path in older[: max(0, len(older) + 1 - MOST_REJECTED)]:
                path.unlink(missing_ok=True)
            kept.write_bytes(server.der)
        return kept

    def _known(self) -> Iterator[Certificate]:
        """Every certificate of the folder; a file that is none is passed over, it makes nobody trusted."""
        for path in self._files(SUFFIXES):
            try:
                yield from certificates(path.read_bytes())
            except (OSError, ValueError):
                continue

    def _is_revoked(self, server: Certificate, known: Sequence[Certificate]) -> bool:
        for path in self._files((".crl",)):
            crl = _revocations(path)
            issuers = [one for one in known if one.content.subject == crl.issuer == server.content.issuer]
            is_genuine = any(crl.is_signature_valid(one.content.public_key()) for one in issuers)  # type: ignore[arg-type]
            if is_genuine and crl.get_revoked_certificate_by_serial_number(server.content.serial_number):
                return True
        return False

    def _files(self, suffixes: Sequence[str]) -> list[Path]:
        try:
            return sorted(path for path in self._folder.iterdir() if path.suffix.lower() in suffixes)
        except OSError as error:
            raise RefusedError(f"cannot read the folder {self._folder} ({error.strerror}); correct it") from error


def _is_signed(chain: Sequence[Certificate], known: Sequence[Certificate], now: datetime) -> bool:
    """Whether an authority among the known has signed for the first of a chain (RFC 5280, 6.1)."""
    authorities = [one.content for one in known if _is_authority(one.content)]
    if not authorities:
        return False
    authority = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _sign_others)
    builder = PolicyBuilder().store(Store(authorities)).time(now)
    verifier = builder.extension_policies(
        ca_policy=authority, ee_policy=ExtensionPolicy.permit_all()
    ).build_client_verifier()
    try:
        verifier.verify(chain[0].content, [one.content for one in chain[1:]])
    except VerificationError:
        return False
    return True


def _revocations(path: Path) -> x509.CertificateRevocationList:
    try:
        data = path.read_bytes()
        return x509.load_pem_x509_crl(data) if b"-----BEGIN" in data else x509.load_der_x509_crl(data)
    except (OSError, ValueError) as error:
        raise RefusedError(f"{path} is no revocation list that can be read; replace it or take it away") from error


def _sign_others(_policy: Policy, _certificate: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("not an authority")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _day(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
