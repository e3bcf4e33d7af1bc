"""Until when the certificates of a connection to the broker are good."""

from datetime import UTC, datetime
from pathlib import Path
from ssl import SSLContext, cert_time_to_seconds

from cryptography import x509

from agent.mqtt.dial import tls
from agent.mqtt.settings import MqttSettings
from drivers.validity import expiry


def warning(settings: MqttSettings, broker: str, shown: bytes, now: datetime) -> str | None:
    """Which of them has ended or soon will, or why their files are of no use any more, as a sentence.

    Args:
        settings: The broker, over TLS.
        broker: As it is called in sentences.
        shown: The certificate that the broker has shown, DER.
        now: With its time zone.
    """
    if settings.ca_file is None:
        return None
    remedy = "have it renewed on the broker"
    theirs = expiry(
        f"the certificate of {broker}", x509.load_der_x509_certificate(shown).not_valid_after_utc, remedy, now
    )
    try:
        context = tls(settings, settings.ca_file)
    except OSError as error:
        files = ", ".join(str(file) for file in (settings.ca_file, settings.cert_file, settings.key_file) if file)
        return f"the next connection to {broker} will fail: {error}; see to {files}"
    found = [theirs, _authority(settings.ca_file, context, now), *_own(settings.cert_file, now)]
    return "; ".join(filter(None, found)) or None


def _authority(file: Path, context: SSLContext, now: datetime) -> str | None:
    """Of several, one that lasts is enough: bundles carry old ones along."""
    ends = [cert_time_to_seconds(str(one["notAfter"])) for one in context.get_ca_certs()]
    remedy = "add the authority's next certificate to that file"
    return expiry(f"the authority in {file}", datetime.fromtimestamp(max(ends), UTC), remedy, now) if ends else None


def _own(file: Path | None, now: datetime) -> list[str | None]:
    """Of our certificate, and of whichever of its signers, which follow it, ends first."""
    if file is None:
        return []
    try:
        first, *signers = [one.not_valid_after_utc for one in x509.load_pem_x509_certificates(file.read_bytes())]
    except ValueError:  # written in a way that OpenSSL takes and this library does not
        return []
    remedy = "have the authority sign another and put it in its place; the next connection shows it"
    found = [expiry(f"our certificate {file}", first, remedy, now)]
    if signers:
        remedy = "put the signer's next certificate and one that it has signed in its place"
        found.append(expiry(f"a signer of our certificate in {file}", min(signers), remedy, now))
    return found
