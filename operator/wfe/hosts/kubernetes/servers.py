"""Servers outside the cluster's API that the operator may be given: where they are, and whom to trust there.

They come from the environment and not from a file, for URLs may hold passwords. The certificate authority of a server
has a variable of its own, so that a URL can be kept in a Secret by people who know nothing of the operator's files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

from wfe.errors import Permanent


class ServersInvalid(Permanent):
    """What the environment says of a server contradicts itself."""


class Servers(BaseModel):
    """URLs of servers, each as `wfe.providers.find` takes it, `""` for none; none is needed.

    Attributes:
        postgres: keeps the history.
        opensearch: keeps what is searched, and what steps write.
        valkey: keeps the leases of replicas, instead of the API server.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    postgres: SecretStr = SecretStr("")
    opensearch: SecretStr = SecretStr("")
    valkey: SecretStr = SecretStr("")


@dataclass(frozen=True, slots=True)
class Variables:
    """What the environment says of one server.

    Attributes:
        url: the variable of its URL.
        ca: the variable of a file with the certificate authority to trust.
        option: what the URL calls that file.
        encrypted: the schemes of URLs whose connections have certificates.
    """

    url: str
    ca: str
    option: str
    encrypted: tuple[str, ...]


VARIABLES: Final[Mapping[str, Variables]] = {
    "postgres": Variables("WFE_POSTGRES_URL", "WFE_POSTGRES_CA", "sslrootcert", ("postgres", "postgresql")),
    "opensearch": Variables("WFE_OPENSEARCH_URL", "WFE_OPENSEARCH_CA", "ca", ("https",)),
    "valkey": Variables("WFE_VALKEY_URL", "WFE_VALKEY_CA", "ca", ("rediss",)),
}
_UNVERIFIED: Final = ("disable", "allow", "prefer")


def read_servers(environment: Mapping[str, str]) -> Servers:
    """Read the URLs, each with its authority as an option.

    Raises:
        ServersInvalid: an authority is named where there is no use for it; the text shows nothing of a URL.
    """
    found = {}
    for name, variables in VARIABLES.items():
        # Files that Secrets are made of often end in a newline.
        url = environment.get(variables.url, "").strip()
        ca = environment.get(variables.ca, "").strip()
        found[name] = SecretStr(_trusting(url, ca, variables) if ca else url)
    return Servers(**found)


def _trusting(url: str, ca: str, variables: Variables) -> str:
    scheme, _, _ = url.partition(":")
    if scheme not in variables.encrypted:
        shown = " or ".join(f"`{each}://`" for each in variables.encrypted)
        raise ServersInvalid(
            f"{variables.ca} names a certificate authority, so {variables.url} has to begin with {shown}; "
            f"change the URL, or take {variables.ca} away"
        )
    options = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    if variables.option in options:
        raise ServersInvalid(
            f"{variables.url} has the option `{variables.option}`, and {variables.ca} says it too; keep one of them"
        )
    more = {variables.option: ca}
    if variables.option == "sslrootcert":
        mode = options.get("sslmode")
        if mode in _UNVERIFIED:
            raise ServersInvalid(
                f"{variables.url} has `sslmode={mode}`, which asks for no certificate; use `sslmode=verify-full`, or "
                f"take {variables.ca} away"
            )
        more |= {} if mode else {"sslmode": "verify-full"}
    return f"{url}{'&' if options else '?'}{urlencode(more)}"
