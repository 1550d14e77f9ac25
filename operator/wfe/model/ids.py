"""Names derived from state, so that doing a thing twice is doing it once."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from re import sub


@dataclass(frozen=True, slots=True)
class AttemptKey:
    """The identity of one attempt of one visit of a step; whoever starts it first wins."""

    instance: str
    path: str
    attempt: int

    @property
    def token(self) -> str:
        """A file-name-safe name, readable in front and unique behind (at most 63 characters)."""
        return _token(self.instance, self.path, self.attempt)


@lru_cache(maxsize=1024)
def _token(instance: str, path: str, attempt: int) -> str:
    readable = sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")[-36:].strip("-") or "step"
    digest = sha256(f"{instance}/{path}/{attempt}".encode()).hexdigest()[:16]
    return f"{readable}-{attempt}-{digest}"


def child_id(instance: str, path: str, attempt: int) -> str:
    """Name the child instance that an attempt of a `workflow` step starts."""
    return sha256(f"{instance}/{path}/{attempt}/child".encode()).hexdigest()[:32]
