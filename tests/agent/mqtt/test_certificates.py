"""A certificate that ends unnoticed cuts the station off on that day."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from agent.mqtt.certificates import warning
from agent.mqtt.settings import MqttSettings
from tests.agent.demo.waiting import until
from tests.agent.mqtt.sparkplug.station import append, edge_node, edge_store
from tests.agent.mqtt.station import good, publishing, station, store_of
from tests.agent.mqtt.test_tls import secured
from tests.simulators.broker import mosquitto
from tests.simulators.tls_authority import Authority, Identity

CRL = b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"
LATER = timedelta(hours=1)  # than they were made


def said(authority: Authority, broker: Identity, own: Identity, ca_file: Path | None = None) -> str | None:
    """What is said of these three, an hour after they were made."""
    settings = MqttSettings(ca_file=ca_file or authority.cert, cert_file=own.cert, key_file=own.key)
    return warning(settings, "the broker", der(broker.cert), datetime.now(UTC) + LATER)


def der(cert: Path) -> bytes:
    """A certificate as it travels."""
    return x509.load_pem_x509_certificate(cert.read_bytes()).public_bytes(Encoding.DER)


def test_each_of_the_three_is_announced_by_its_own_end(tmp_path: Path) -> None:
    """The one that ends is named, with what to do; the others are not."""
    old, lasting = Authority(tmp_path / "old", days=20), Authority(tmp_path / "new")
    broker, own = lasting.sign("broker"), lasting.sign("own")
    ending = lasting.sign("ending", days=20)
    day = x509.load_pem_x509_certificate(ending.cert.read_bytes()).not_valid_after_utc.date()

    assert said(lasting, broker, own) is None
    assert said(lasting, ending, own) == (
        f"the certificate of the broker expires on {day}, in 19 days; have it renewed on the broker"
    )
    assert (said(lasting, broker, ending) or "").startswith(f"our certificate {ending.cert} expires on {day}")
    assert (said(old, broker, own) or "").startswith(f"the authority in {old.cert} expires on {day}")


def test_an_authority_that_already_has_a_successor_is_not_announced(tmp_path: Path) -> None:
    """The remedy has been followed: the file holds both."""
    old, lasting = Authority(tmp_path / "old", days=20), Authority(tmp_path / "new")
    both = tmp_path / "both.pem"
    both.write_bytes(old.cert.read_bytes() + lasting.cert.read_bytes())

    assert said(old, lasting.sign("broker"), lasting.sign("own"), both) is None


def test_a_file_that_is_no_certificate_any_more_is_told_before_it_is_needed(tmp_path: Path) -> None:
    """Whoever replaced it by mistake is still in the room."""
    authority = Authority(tmp_path / "ca")
    broker, own = authority.sign("broker"), authority.sign("own")
    own.cert.write_text("a letter")

    assert "the next connection to the broker will fail" in (said(authority, broker, own) or "")


def test_whatever_the_next_connection_would_fail_for_is_told_before_it(tmp_path: Path) -> None:
    """A key that is another's, encrypted or gone, an authority that is cut off or followed by a broken list."""
    authority = Authority(tmp_path / "ca")
    broker, own, other = authority.sign("broker"), authority.sign("own"), authority.sign("other")
    whole, key = authority.cert.read_bytes(), load_pem_private_key(other.key.read_bytes(), None)
    damaged = tmp_path / "damaged.pem"
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))

    told = []
    for content in (whole + whole[: len(whole) // 2], whole + CRL, b"", b"a letter"):
        damaged.write_bytes(content)
        told.append(said(authority, broker, other, damaged))
    for content in (own.key.read_bytes(), sealed):
        other.key.write_bytes(content)
        told.append(said(authority, broker, other))
    other.key.unlink()
    told.append(said(authority, broker, other))

    assert said(authority, broker, own) is None
    assert [str(one).partition(": ")[0] for one in told] == ["the next connection to the broker will fail"] * 7
    assert str(told[4]).endswith(f"see to {authority.cert}, {other.cert}, {other.key}")


def test_whatever_openssl_takes_is_not_called_a_failure(tmp_path: Path) -> None:
    """Comments, a byte order mark, and the form that it writes with what a certificate is trusted for."""
    authority = Authority(tmp_path / "ca")
    broker, own = authority.sign("broker"), authority.sign("own")
    whole, ca_file = authority.cert.read_bytes(), tmp_path / "as.pem"
    command = ("openssl", "x509", "-trustout", "-addtrust", "serverAuth")
    trusted = subprocess.run(command, input=whole, capture_output=True, check=True).stdout

    for content in (b"# ours\n" + whole + b"\njunk\n", b"\xef\xbb\xbf" + whole, trusted):
        ca_file.write_bytes(content)
        assert said(authority, broker, own, ca_file) is None


def test_a_signer_of_ours_that_ends_soon_is_told(tmp_path: Path) -> None:
    """Of those that follow our certificate in its file, the one that ends first."""
    authority = Authority(tmp_path / "ca")
    own, short, shorter = authority.sign("own"), Authority(tmp_path / "a", days=20), Authority(tmp_path / "b", days=9)
    own.cert.write_bytes(b"".join(file.read_bytes() for file in (own.cert, short.cert, shorter.cert)))

    told = said(authority, authority.sign("broker"), own) or ""

    assert told.startswith(f"a signer of our certificate in {own.cert} expires on ")
    assert ", in 8 days; " in told


async def test_an_agent_at_work_says_that_a_certificate_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """On health and in the log, once, while readings go out; deliveries do not make it well again."""
    authority = Authority(tmp_path / "ca")
    options = secured(authority, authority.sign("broker", days=20))
    with mosquitto(tmp_path / "broker", options=options) as broker:
        settings = station(broker, tmp_path, ca_file=authority.cert)
        async with store_of(settings) as store, publishing(settings, store) as part:
            await until(lambda: part.state == "degraded")
            await store.append([good("flow", 36.5)])
            await until(lambda: part.counts.get("readings") == 1)

            assert part.state == "degraded"
            assert [line for line in caplog.messages if "expires on" in line] == [f"broker: works: {part.error}"]


async def test_an_edge_node_without_json_topics_says_it_as_well(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be the only connection that there is; what it delivers does not make it well again."""
    authority = Authority(tmp_path / "ca")
    options = secured(authority, authority.sign("broker", days=20))
    with mosquitto(tmp_path / "broker", options=options) as broker:
        settings = station(broker, tmp_path, ca_file=authority.cert, json_topics=False, sparkplug={"enabled": True})
        async with edge_store(settings) as store, edge_node(settings, store) as part:
            await until(lambda: part.state == "degraded")
            await append(store, [36])
            await until(lambda: part.counts.get("readings") == 1)

            assert part.state == "degraded"
            assert [line for line in caplog.messages if "expires on" in line] == [f"sparkplug: works: {part.error}"]
