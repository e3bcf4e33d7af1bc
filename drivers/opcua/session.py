"""A connection to an OPC UA server: secured as asked for or not at all, and thrown away when it fails."""

import asyncio
import logging
import struct
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from asyncua import ua
from asyncua.client.ua_client import UaClient, UaClientState
from asyncua.ua.uaerrors import UaError, UaStatusCodeError
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import Certificate as Content

from drivers.opcua.certificate import Certificate, certificates, read_identity
from drivers.opcua.client import POLICIES, PlantClient, hang_up
from drivers.opcua.settings import OpcuaSettings
from drivers.opcua.trust import Trust
from drivers.reading import RefusedError, UnreachableError
from drivers.validity import expiry

OF_THE_USER = ("BadUserAccessDenied", "BadIdentity", "BadUserSignatureInvalid")
OF_OUR_CERTIFICATE = ("BadCertificate", "BadSecurity", "BadApplicationSignatureInvalid", "BadNoValidCertificates")


class Session:
    """One server, as the configuration says how to reach it.

    With security, the server's certificate is judged before ours is shown to it, and again whenever `review` is
    awaited. Only the configured policy and mode are ever spoken: where they fail, nothing weaker is tried.
    """

    def __init__(self, settings: OpcuaSettings) -> None:
        self._settings = settings
        self._chain: list[Certificate] = []  # the server's, where it is secured
        self._own: Certificate | None = None
        self._trust = None if settings.trust_dir is None else Trust(settings.trust_dir)
        self._is_introducing = False  # our certificate is being shown

    def __str__(self) -> str:
        return self._settings.url

    @property
    def services(self) -> UaClient:
        """What the protocol offers, request by request."""
        return self._client.uaclient

    async def __aenter__(self) -> Self:
        """Connect and log in.

        Raises:
            UnreachableError: Nobody answers.
            RefusedError: A certificate is not trusted, by us or by the server; or the login is not accepted.
        """
        # What it would say, our readings and errors say, once.
        logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)
        self._client = PlantClient(self._settings)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._close, self._client)
            with self.translated():
                await self._log_in()
                await self._secure()
                await self._connect()
            self._is_introducing = False
            stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say goodbye, within the timeout of one answer."""
        await self._close(self._client)

    def check(self) -> None:
        """Whether the connection stands.

        Raises:
            UnreachableError: It does not.
        """
        if self._client.state is not UaClientState.CONNECTED:
            raise UnreachableError(f"{self} closed the connection or stopped answering")

    async def review(self) -> None:
        """Judge the server's certificate again: it may have expired, or somebody has withdrawn their trust.

        Raises:
            RefusedError: It is no longer good.
        """
        if self._trust:
            now = datetime.now(UTC)
            await asyncio.to_thread(self._trust.judge, str(self), self._chain, self._client.host, now)

    def warning(self) -> str | None:
        """Which certificate will soon end, as a sentence."""
        now = datetime.now(UTC)
        found = []
        if self._own:
            remedy = "make another with `pump-agent opcua-cert CONFIG --force` and have the server trust it"
            found.append(expiry(f"our certificate {self._settings.cert_file}", self._own.ends, remedy, now))
        if self._chain:
            remedy = "have it renewed on the server and trust the new one"
            found.append(expiry(f"the certificate of {self}", self._chain[0].ends, remedy, now))
        return "; ".join(filter(None, found)) or None

    @contextmanager
    def translated(self) -> Iterator[None]:
        """The library's exceptions as ours."""
        try:
            yield
        except UaStatusCodeError as error:
            name = ua.StatusCode(error.code).name
            if name.startswith(OF_THE_USER):
                raise RefusedError(f"{self} turns us away ({name}); {self._login_remedy()}") from error
            if name.startswith(OF_OUR_CERTIFICATE):
                raise RefusedError(self._distrusted(name)) from error
            raise UnreachableError(f"{self} answers with {name}") from error
        except InvalidSignature as error:
            raise RefusedError(f"{self} has not the key of its certificate; find out who answers there") from error
        except (OSError, UaError) as error:
            if self._is_introducing and isinstance(error, ConnectionError):
                raise RefusedError(self._distrusted("it hung up")) from error
            raise UnreachableError(f"{self} does not answer ({str(error) or type(error).__name__})") from error

    def _login_remedy(self) -> str:
        if self._settings.user_cert_file:
            return "have the server accept user_cert_file as a user"
        return "correct user and password_file" if self._settings.user else "add user and password_file"

    def _distrusted(self, reason: str) -> str:
        if self._own is None:
            return f"{self} turns us away ({reason}); it wants security: write a policy that it offers"
        end = " (it has expired)" if self._own.ends < datetime.now(UTC) else ""
        ours = f"our certificate with the fingerprint {self._own.fingerprint}{end}"
        return f"{self} turns us away ({reason}); have {ours} trusted on the server"

    async def _secure(self) -> None:
        """Choose the endpoint, judge its certificate, and speak only to whoever has the key of it."""
        settings = self._settings
        policy = POLICIES[settings.security]
        mode = ua.MessageSecurityMode[settings.security_mode if self._trust else "None_"]
        discovery = PlantClient(settings)
        try:
            offered = await discovery.connect_and_get_server_endpoints()
        finally:
            hang_up(discovery)
        endpoint = next(
            (one for one in offered or [] if (one.SecurityPolicyUri, one.SecurityMode) == (policy.URI, mode)), None
        )
        if endpoint is None:
            raise RefusedError(f"{self} does not offer {_wanted(settings)}; it offers {_offered(offered or [])}")
        if self._trust:
            self._chain = _chain(self, endpoint.ServerCertificate)
            await self.review()
            own, key = await asyncio.to_thread(read_identity, settings.cert_file, settings.key_file)
            self._own = own
            self._client.encrypt(policy(self._chain[0].content, own.content, key, mode), own)
            self._client.certificate_validator = self._judge_application
            self._is_introducing = True

    async def _log_in(self) -> None:
        """Prepare the login: the password is read when it is needed, and nowhere kept."""
        settings = self._settings
        if settings.user:
            self._client.set_user(settings.user)
        if settings.password_file:
            try:
                password = await asyncio.to_thread(settings.password_file.read_text)
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not text"
                raise RefusedError(f"{self}: cannot read {settings.password_file}: {reason}") from error
            self._client.set_password(password.strip())
        if settings.user_cert_file:
            user, key = await asyncio.to_thread(read_identity, settings.user_cert_file, settings.user_key_file)
            self._client.user_certificate, self._client.user_private_key = user.content, key

    async def _judge_application(self, certificate: Content, application: ua.ApplicationDescription) -> None:
        """Whether the certificate is for the application that shows it; asked once the line is secured."""
        del certificate  # the one the line is secured with
        uris = self._chain[0].uris
        if application.ApplicationUri not in uris:
            fact = f"{self} calls itself {application.ApplicationUri}, and its certificate is for {', '.join(uris)}"
            raise RefusedError(f"{fact}; have a certificate with the right application URI made on the server")

    async def _connect(self) -> None:
        try:
            await self._client.connect()
        except AssertionError as error:  # what the library makes of a refusal to open a channel
            if self._is_introducing:
                raise RefusedError(self._distrusted("it does not say why")) from error
            raise UnreachableError(f"{self} opens no channel") from error
        except (AttributeError, LookupError, TypeError, ValueError, struct.error) as error:
            # the library takes for granted that a server says all it should
            raise UnreachableError(f"{self} answers nonsense ({error})") from error

    async def _close(self, client: PlantClient) -> None:
        if client.state is not UaClientState.CONNECTED:
            hang_up(client)  # so that the goodbyes fail at once
        with suppress(OSError, UaError):
            async with asyncio.timeout(self._settings.timeout):
                await client.disconnect()
        hang_up(client)
        await asyncio.sleep(0)  # lets cancelled tasks of the library end


def _wanted(settings: OpcuaSettings) -> str:
    return "None" if settings.security == "None" else f"{settings.security} with {settings.security_mode}"


def _offered(endpoints: list[ua.EndpointDescription]) -> str:
    """The ways in that a server has, with those we would take first; none of them is taken by itself."""
    known = {policy.URI: name for name, policy in POLICIES.items()}
    found = {
        (
            one.SecurityPolicyUri not in known,
            known.get(one.SecurityPolicyUri, "others that are broken"),
            one.SecurityMode,
        )
        for one in endpoints
    }
    words = [name if mode == 1 or is_other else f"{name} with {mode.name}" for is_other, name, mode in sorted(found)]
    return ", ".join(dict.fromkeys(words)) or "nothing"


def _chain(who: Session, data: bytes | None) -> list[Certificate]:
    """The certificates of a server: its own, then those of its authorities."""
    try:
        found = certificates(data or b"")
    except ValueError as error:
        raise RefusedError(f"{who} shows a certificate that cannot be read; have one made on the server") from error
    if not found:
        raise RefusedError(f"{who} shows no certificate; have one made on the server")
    return found
