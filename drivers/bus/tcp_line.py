"""Modbus TCP, by pymodbus."""

import asyncio
import logging

from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient

from drivers.bus.answers import Answer, AnswerDecoder
from drivers.bus.line import LostError, NoAnswerError, NonsenseError, Query, Refusal


class TcpLine:
    """A connection to a device, or to a gateway with several units behind it.

    It is opened anew by its bus, so the client's own retries and reconnection are off. No data is made of an
    answer that is not exactly what was asked for.
    """

    def __init__(self, host: str, port: int, timeout: float) -> None:
        # What it would say, our readings and errors say, with the device's name and once.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        self._place = (host, port, timeout)
        self._client: AsyncModbusTcpClient | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody has hung up."""
        return self._client is not None and self._client.connected

    async def open(self) -> None:
        """Connect.

        Raises:
            LostError: Nobody listens.
        """
        host, port, timeout = self._place
        self._client = AsyncModbusTcpClient(host, port=port, timeout=timeout, retries=0, reconnect_delay=0)
        self._client.ctx.framer.decoder = AnswerDecoder()
        if not await self._client.connect():
            raise LostError("does not accept connections")

    async def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            self._client.close()
            await asyncio.sleep(0)  # lets the transport close its socket

    def airtime(self, _: Query) -> float:
        """Nothing beside what a unit takes to think."""
        return 0.0

    async def settle(self, _: Query, __: float) -> None:
        """Nothing to do: frames are numbered."""

    async def exchange(self, query: Query, patience: float) -> bytes | Refusal:
        """Ask, and wait for the answer.

        Raises:
            NoAnswerError: There was none.
            LostError: The connection was closed.
        """
        if self._client is None:
            raise LostError("is closed")
        self._client.ctx.comm_params.timeout_connect = patience  # what it waits for an answer, too
        try:
            answer = await self._ask(self._client, query)
        except ModbusException as error:
            if not self._client.connected:
                raise LostError("closed the connection") from error
            raise NoAnswerError(f"did not answer within {patience:g} s") from error
        if not isinstance(answer, Answer):
            raise TypeError(f"{answer} was not made by AnswerDecoder")
        if objection := answer.objection(function_code=query.function, unit_id=query.unit_id, size=query.size):
            raise NonsenseError(f"answered {objection}")
        return answer.body[1:] if answer.exception is None else Refusal(answer.exception)

    async def _ask(self, client: AsyncModbusTcpClient, query: Query) -> object:
        read = {
            1: client.read_coils,
            2: client.read_discrete_inputs,
            3: client.read_holding_registers,
            4: client.read_input_registers,
        }[query.function]
        return await read(query.start, count=query.quantity, device_id=query.unit_id)
