"""The library's client, as a plant needs it."""

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto import security_policies

from drivers.opcua.certificate import Certificate
from drivers.opcua.settings import OpcuaSettings
from drivers.reading import RefusedError

LIFETIME = 60.0  # s, after which a server forgets us if we are gone
POLICIES: dict[str, type[security_policies.SecurityPolicy]] = {
    "None": security_policies.SecurityPolicyNone,
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128Sha256RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256Sha256RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}


class PlantClient(Client):
    """The library's client, which probes the server now and then, reconnects nothing, and shouts no password."""

    def __init__(self, settings: OpcuaSettings) -> None:
        super().__init__(settings.url, timeout=settings.timeout, watchdog_intervall=settings.timeout)
        self.name = self.description = "pump-agent"
        self.session_timeout = int(LIFETIME * 1000)
        self._settings = settings

    @property
    def host(self) -> str:
        """The machine the address names."""
        return str(self.server_url.hostname)

    def encrypt(self, policy: security_policies.SecurityPolicy, own: Certificate) -> None:
        """Speak by *policy* from now on, as the application that our own certificate is for."""
        self.security_policy = policy  # type: ignore[assignment]  # the library's own setter does the same
        self.uaclient.set_security(policy)
        self.application_uri = next(iter(own.uris), self.application_uri)

    def server_policy(self, token_type: ua.UserTokenType) -> ua.UserTokenPolicy:
        """How a login travels, unless a password would be readable on the line."""
        found = super().server_policy(token_type)
        is_plain = found.SecurityPolicyUri in (None, "", POLICIES["None"].URI)
        is_open = is_plain and self.security_policy.Mode != ua.MessageSecurityMode.SignAndEncrypt
        if token_type == ua.UserTokenType.UserName and is_open and not self._settings.plain_password:
            remedy = 'write security_mode = "SignAndEncrypt", or plain_password = true where nobody else can listen'
            raise RefusedError(f"{self._settings.url} wants the password in clear text; {remedy}")
        return found


def hang_up(client: PlantClient) -> None:
    """The library leaves the socket open where it noticed a loss by itself, or is stopped while closing."""
    protocol = client.uaclient.protocol
    if protocol is not None and protocol.transport is not None:
        protocol.transport.abort()
