"""Until when the certificates of a connection to the broker are good."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509

from agent.mqtt.settings import MqttSettings
from drivers.validity import expiry


def warning(settings: MqttSettings, broker: str, shown: bytes, now: datetime) -> str | None:
    """Which of them has ended or soon will, as a sentence.

    Args:
        settings: The broker, over TLS.
        broker: As it is called in sentences.
        shown: The certificate that the broker has shown, DER.
        now: With its time zone.
    """
    try:
        return "; ".join(filter(None, _expiring(settings, broker, shown, now))) or None
    except (OSError, ValueError) as error:
        return f"the next connection to {broker} will fail: {error}; see to ca_file and cert_file"


def _expiring(settings: MqttSettings, broker: str, shown: bytes, now: datetime) -> list[str | None]:
    theirs = x509.load_der_x509_certificate(shown).not_valid_after_utc
    found = [expiry(f"the certificate of {broker}", theirs, "have it renewed on the broker", now)]
    if settings.ca_file is not None:  # of several, one that lasts is enough: bundles carry old ones along
        remedy = "add the authority's next certificate to that file"
        found.append(expiry(f"the authority in {settings.ca_file}", max(_ends(settings.ca_file)), remedy, now))
    if settings.cert_file is not None:  # what follows the first is the chain of its signers
        remedy = "have the authority sign another and put it in its place; the next connection shows it"
        found.append(expiry(f"our certificate {settings.cert_file}", _ends(settings.cert_file)[0], remedy, now))
    return found


def _ends(file: Path) -> Sequence[datetime]:
    return [each.not_valid_after_utc for each in x509.load_pem_x509_certificates(file.read_bytes())]
