"""Opening wires: serial ports and sockets, without the event loop ever waiting for one."""

import asyncio
import errno
import fcntl
import os
import socket
import termios
from asyncio import Future
from contextlib import ExitStack, suppress

from drivers.bus.line import LostError
from drivers.bus.wire import Wire
from drivers.settings import ModbusRtuSettings

REMEDIES = {
    errno.ENOENT: "is the adapter plugged in?",
    errno.EACCES: "add the agent's account to the port's group, by custom dialout",
    errno.EPERM: "the service is kept from it; add its kind to DeviceAllow in pump-agent.service",
    errno.EWOULDBLOCK: "another program has it, or another name of it stands in the configuration",
    errno.ENOTTY: "it is no serial port",
    errno.EINVAL: "it does not know this baudrate",
}
PARITY = {"none": 0, "even": termios.PARENB, "odd": termios.PARENB | termios.PARODD}


async def serial_port(settings: ModbusRtuSettings) -> Wire:
    """Open a serial port, on a thread: a driver may talk to its adapter for seconds.

    Raises:
        LostError: It is not there, or not ours.
    """
    opening = asyncio.get_running_loop().run_in_executor(None, _open, settings)
    is_wanted = False
    try:
        fd = await asyncio.shield(opening)
        is_wanted = True
    except (OSError, termios.error) as error:
        number = error.args[0]
        remedy = f"; {REMEDIES[number]}" if number in REMEDIES else ""
        raise LostError(f"cannot be reached, {settings.serial_port}: {os.strerror(number)}{remedy}") from error
    finally:
        if not is_wanted:  # it failed, or we were cancelled while the thread went on
            opening.add_done_callback(_discard)
    return Wire(fd)


async def gateway(host: str, port: int, patience: float) -> Wire:
    """Connect to a gateway that passes bytes on to a serial line.

    Raises:
        LostError: Nobody listens.
    """
    try:
        async with asyncio.timeout(patience):
            return Wire(await _dial(host, port))
    except OSError as error:  # a timeout is one
        raise LostError("does not accept connections") from error


async def _dial(host: str, port: int) -> int:
    loop = asyncio.get_running_loop()
    trouble = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind, protocol) as one:
            one.setblocking(False)  # noqa: FBT003 - the standard library takes it so
            try:
                await loop.sock_connect(one, address)
            except OSError as error:
                trouble = error
            else:
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return one.detach()
    raise trouble


def _open(settings: ModbusRtuSettings) -> int:
    with ExitStack() as stack:
        fd = os.open(settings.serial_port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        stack.callback(os.close, fd)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _configure(fd, settings)
        termios.tcflush(fd, termios.TCIOFLUSH)
        stack.pop_all()
        return fd


def _configure(fd: int, settings: ModbusRtuSettings) -> None:
    """Raw bytes as the settings say; a byte whose parity is wrong is dropped, so that its frame is no frame."""
    speed = getattr(termios, f"B{settings.baudrate}")
    control = termios.CS8 | termios.CREAD | termios.CLOCAL | PARITY[settings.parity]
    if settings.stop_bits == 2:  # noqa: PLR2004 - stop bits
        control |= termios.CSTOPB
    received = termios.IGNBRK | (termios.IGNPAR | termios.INPCK if settings.parity != "none" else 0)
    characters = termios.tcgetattr(fd)[6]
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0  # so that nothing to read is an error, and not an end
    with suppress(termios.error):  # a virtual port has no parity, says so, and works
        termios.tcsetattr(fd, termios.TCSANOW, [received, 0, control, 0, speed, speed, characters])
    if termios.tcgetattr(fd)[4:6] != [speed, speed]:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def _discard(opening: Future[int]) -> None:
    if opening.exception() is None:
        os.close(opening.result())
