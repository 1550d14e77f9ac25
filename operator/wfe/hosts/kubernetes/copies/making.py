"""Makes what sends copies, from the settings. Nothing here connects to anything."""

from wfe.errors import Permanent
from wfe.hosts.kubernetes.archive import Archives
from wfe.hosts.kubernetes.copies.comparing import Wholes
from wfe.hosts.kubernetes.copies.history import History
from wfe.hosts.kubernetes.copies.known import Target
from wfe.hosts.kubernetes.copies.searched import Searched
from wfe.hosts.kubernetes.settings import Settings
from wfe.kube import Client
from wfe.ports.clock import Clock
from wfe.providers import find, without_secrets
from wfe.providers.files import Spool


class NoSearch(Permanent):
    """The URL names a server that keeps no copies for searching."""


class NoHistory(Permanent):
    """The URL names a server that keeps no history."""


def history_of(settings: Settings, client: Client, clock: Clock) -> History | None:
    """Return what sends instances to where their history is kept; None where no server is named.

    Raises:
        UrlInvalid: the URL is not understood.
        NoHistory: the server it names keeps none.
    """
    url = settings.servers.postgres.get_secret_value()
    if not url:
        return None
    mirror = find(url).mirror
    if mirror is None:
        raise NoHistory(
            f"WFE_POSTGRES_URL is `{without_secrets(url)}`, which keeps no history; "
            "use `postgres://…`, the URL of a database"
        )
    return History(mirror, Wholes(client), clock, keep=settings.history.within)


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
    target = Target(provider, provider.search, provider.logs, Spool())
    keep, whereabouts = settings.logs.within, archives.homes.place_of
    return Searched(target, archives.written, clock, keep=keep, whereabouts=whereabouts)
