"""`pump-agent opcua-cert`: our certificate for OPC UA servers, its key, and the folder of those we trust."""

import os
import socket
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.configuration.mistakes import Mistake, Place, SettingsError
from agent.configuration.toml_text import parse
from drivers.opcua.certificate import Certificate, create

_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made."""

    cert_file: Path
    key_file: Path
    trust_dir: Path
    station: str


def run(args: Namespace) -> int:
    """Make what the configuration names, or what --out says; never over what is there, unless forced."""
    wishes = [_wish_of(args.out)] if args.out is not None else list(dict.fromkeys(_wishes(args.config)))
    if not args.force:
        _object_to_what_is_there(wishes)
    for wish in wishes:
        host = socket.gethostname()
        uri = args.uri or f"urn:{host}:pump-agent:{wish.station}"
        hosts = [host, *args.host]
        lasts = timedelta(days=args.days)
        certificate, key = create(uri, hosts, name=f"pump-agent {wish.station}", lasts=lasts, now=datetime.now(UTC))
        try:
            _keep(wish, certificate, key)
        except OSError as error:
            raise SettingsError([Mistake(Place(str(error.filename)), f"cannot be made: {error.strerror}")]) from error
        print("\n".join(_told(wish, certificate, uri, hosts)))
    return 0


def _wish_of(folder: Path) -> Wish:
    return Wish(folder / "pump-agent.der", folder / "pump-agent.pem", folder / "trusted", folder.resolve().name)


def _wishes(config: Path) -> Iterator[Wish]:
    """What the devices of a configuration need; it need not be in order yet, the files are still missing."""
    try:
        content = parse(config.read_text(encoding="utf-8-sig"), str(config)).content
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([Mistake(Place(str(config)), "cannot be read; correct the path")]) from error
    devices = content.get("device")
    station = content.get("station")
    name = station.get("name") if isinstance(station, dict) else None
    found = [one for one in devices if _is_secured(one)] if isinstance(devices, list) else []
    if not found:
        sentence = 'no device with protocol = "opcua" has cert_file and key_file; add them, or write --out DIR instead'
        raise SettingsError([Mistake(Place(str(config)), sentence)])
    for device in found:
        cert_file, key_file = (config.parent / device[key] for key in ("cert_file", "key_file"))
        trust_dir = config.parent / str(device.get("trust_dir", cert_file.with_name("trusted")))
        yield Wish(cert_file, key_file, trust_dir, str(name or "station"))


def _is_secured(device: Any) -> bool:
    return isinstance(device, dict) and all(isinstance(device.get(key), str) for key in ("cert_file", "key_file"))


def _object_to_what_is_there(wishes: list[Wish]) -> None:
    there = [path for wish in wishes for path in (wish.cert_file, wish.key_file) if path.exists()]
    if there:
        sentence = (
            "is there already, and servers may trust it; write --force to replace it, and have the new one trusted"
        )
        raise SettingsError([Mistake(Place(str(path)), sentence) for path in dict.fromkeys(there)])


def _keep(wish: Wish, certificate: Certificate, key: bytes) -> None:
    """Each file is whole or not there, and the key is never readable by others, not even for a moment."""
    wish.trust_dir.mkdir(parents=True, exist_ok=True)
    for path, data, mode in ((wish.key_file, key, _OWNER_ONLY), (wish.cert_file, certificate.der, 0o644)):
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


def _told(wish: Wish, certificate: Certificate, uri: str, hosts: list[str]) -> Iterator[str]:
    yield f"certificate   {wish.cert_file}, valid until {certificate.ends:%Y-%m-%d}"
    yield f"key           {wish.key_file}, without a password, readable by its owner only"
    yield f"trust folder  {wish.trust_dir}"
    yield f"application   {uri}"
    yield f"hosts         {', '.join(hosts)}"
    yield f"fingerprint   {certificate.fingerprint} (SHA-1, as servers show it)"
    yield f"              {certificate.strong_fingerprint} (SHA-256)"
    yield ""
    yield "What is left to do:"
    yield f"1. On the server, trust this certificate: copy {wish.cert_file.name} there, or let the agent connect"
    yield "   once and accept it in the server's list of rejected certificates, by its fingerprint."
    yield "2. Here, trust the server: after the first try its certificate lies in"
    yield f"   {wish.trust_dir / 'rejected'}; compare its fingerprint with the server's, then move it one up."
    if os.geteuid() == 0:
        paths = f"{wish.key_file} {wish.cert_file} {wish.trust_dir}"
        yield f"3. Give them to the service: chown -R pump-agent: {paths}"
