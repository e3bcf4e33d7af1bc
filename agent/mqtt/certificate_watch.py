"""Looks at the certificates of a connection while it lasts; every connection to the broker has such a watch."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Final

from agent.health import Part
from agent.mqtt.client import Client
from agent.mqtt.settings import MqttSettings

log = logging.getLogger(__name__)

LOOK: Final = 3_600.0  # s between two looks at the certificates


class CertificateWatch:
    """Says what a person should see to before the next connection.

    Args:
        settings: The broker.
        client: Connected.
        part: Told.
    """

    def __init__(self, settings: MqttSettings, client: Client, part: Part) -> None:
        self._settings = settings
        self._client = client
        self._part = part
        self.warning: str | None = None

    async def look(self) -> None:
        """Look from time to time; the sentence counts the days, so it is news once a day."""
        shown = self._client.certificate
        if shown is None:
            return
        from agent.mqtt.certificates import warning  # noqa: PLC0415 - 14 MB, for those who have TLS

        while True:
            self.warning = warning(self._settings, str(self._client), shown, datetime.now(UTC))
            if self.warning and self._part.trouble(self.warning, "degraded"):
                log.warning("%s: works: %s", self._part.name, self.warning)
            await asyncio.sleep(LOOK)
