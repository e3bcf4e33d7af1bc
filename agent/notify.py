"""What systemd is told: ready, stopping, and that the agent still makes progress."""

import os
import socket


def notify(*states: str) -> None:
    """Tell systemd each of *states* (``READY=1``, ``WATCHDOG=1`` ...); without systemd, nothing happens.

    The protocol is one datagram to the socket named in the environment, see sd_notify(3).
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # an abstract socket
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as systemd:
        systemd.sendto("\n".join(states).encode(), address)
