"""Lists in pages, each of one moment."""

from collections.abc import Callable

from wfe.kube.resource import Resource
from wfe.testing.apiserver.objects import Object
from wfe.testing.apiserver.refusals import Refused


class Pages:
    """The rests of lists, by the tokens that were given for them."""

    def __init__(self) -> None:
        self._rests: dict[str, tuple[int, list[Object]]] = {}

    def forget(self) -> None:
        """Let every token be too old."""
        self._rests.clear()

    def rest(self, token: str) -> tuple[int, list[Object]]:
        """Return the version of a list, and what of it has not been shown."""
        if token not in self._rests:
            raise Refused(410, "The provided continue parameter is too old")
        return self._rests[token]

    def page(
        self,
        resource: Resource,
        version: int,
        items: list[Object],
        limit: int,
        shape: Callable[[Object], Object],
    ) -> Object:
        """Return the first of them as a list object, with a token for the rest."""
        metadata: Object = {"resourceVersion": str(version)}
        shown, rest = (items[:limit], items[limit:]) if limit else (items, [])
        if rest:
            token = f"{version}-{rest[0]['metadata']['uid']}"
            metadata["continue"] = token
            self._rests[token] = version, rest
        return {
            "kind": f"{resource.kind}List",
            "apiVersion": resource.api_version,
            "metadata": metadata,
            "items": [shape(item) for item in shown],
        }
