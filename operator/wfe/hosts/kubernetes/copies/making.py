"""Makes what sends copies, from the settings. Nothing here connects to anything."""

from wfe.errors import Permanent
from wfe.hosts.kubernetes.archive import Archives
from wfe.hosts.kubernetes.copies.searched import Searched, Target
from wfe.hosts.kubernetes.settings import Settings
from wfe.ports.clock import Clock
from wfe.providers import find, without_secrets


class NoSearch(Permanent):
    """The URL names a server that keeps no copies for searching."""


def searched_of(settings: Settings, archives: Archives, clock: Clock) -> Searched | None:
    """Return what sends instances and lines to where they are searched; None where no server is named.

    Raises:
        UrlInvalid: the URL is not understood.
        NoSearch: the server it names keeps no such copies.
    """
    url = settings.servers.opensearch.get_secret_value()
    if not url:
        return None
    provider = find(url)
    if provider.search is None or provider.logs is None:
        raise NoSearch(
            f"WFE_OPENSEARCH_URL is `{without_secrets(url)}`, which keeps no instances and logs to search; "
            "use `https://…`, the URL of an OpenSearch server"
        )
    target = Target(provider, provider.search, provider.logs)
    return Searched(target, archives.written, clock, keep=settings.logs.within)
