"""Keeps the certificate: in one Secret that all replicas share, and its bundle in the webhook's configuration.

Whoever finds it missing or old makes another, at the version of the Secret that was read: of two that do, one finds
out and takes the other's. The bundle has the certificate before too, so that replicas that still serve it are believed
until they have read the new one.
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from typing import Any, Final

from wfe.hosts.kubernetes.webhook.certificate import Certificate, bundle_of, is_good, new_certificate
from wfe.kube import ApiConflict, Client
from wfe.kube.resource import Resource

SECRETS: Final = Resource("", "v1", "secrets", "Secret")
CONFIGURATIONS: Final = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
    namespaced=False,
)
CERTIFICATE: Final = "tls.crt"
KEY: Final = "tls.key"
BUNDLE: Final = "ca.crt"
TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Keeper:
    """Looks after one certificate.

    Attributes:
        namespace, secret: where it is.
        configuration: the name of the ValidatingWebhookConfiguration.
        names: what the server is called.
    """

    client: Client
    namespace: str
    secret: str
    configuration: str
    names: tuple[str, ...]

    async def look(self) -> Certificate:
        """Return the certificate to serve with, made anew if need be; the API server believes it by then.

        Raises:
            ApiError: the Secret or the configuration cannot be read or written.
        """
        for _ in range(TRIES):
            found = await self.client.get(SECRETS, self.secret, self.namespace)
            try:
                certificate, bundle = await self._current(found)
            except ApiConflict:
                continue  # another replica was faster: take its certificate
            await self._announce(bundle)
            return certificate
        raise ApiConflict(409, "Conflict", f"Secret `{self.secret}` changes too fast")

    async def _current(self, found: dict[str, Any]) -> tuple[Certificate, bytes]:
        now = self.client.now()
        data = {key: _decoded(value) for key, value in (found.get("data") or {}).items()}
        here = Certificate(data.get(CERTIFICATE, b""), data.get(KEY, b""))
        if is_good(here.certificate, here.key, self.names, now=now):
            return here, bundle_of(data.get(BUNDLE, b""), here.certificate, now=now)
        made = new_certificate(self.names, now=now)
        bundle = bundle_of(here.certificate, made.certificate, now=now)
        wanted = {CERTIFICATE: made.certificate, KEY: made.key, BUNDLE: bundle}
        await self.client.patch(
            SECRETS,
            self.secret,
            self.namespace,
            {"data": {key: b64encode(value).decode() for key, value in wanted.items()}},
            resource_version=found["metadata"]["resourceVersion"],
        )
        return made, bundle

    async def _announce(self, bundle: bytes) -> None:
        """Write the bundle into every webhook of the configuration, unless it is there."""
        text = b64encode(bundle).decode()
        found = await self.client.get(CONFIGURATIONS, self.configuration)
        patch = [
            {"op": "add", "path": f"/webhooks/{index}/clientConfig/caBundle", "value": text}
            for index, webhook in enumerate(found.get("webhooks") or ())
            if webhook.get("clientConfig", {}).get("caBundle") != text
        ]
        if patch:
            test = {
                "op": "test",
                "path": "/metadata/resourceVersion",
                "value": found["metadata"]["resourceVersion"],
            }
            await self.client.patch(CONFIGURATIONS, self.configuration, None, [test, *patch], kind="json")


def _decoded(value: Any) -> bytes:
    try:
        return b64decode(value, validate=True) if isinstance(value, str) else b""
    except NotBase64:
        return b""
