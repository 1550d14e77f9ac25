"""An event: what users publish and workflows wait for."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wfe.model.json import Json

EVENT_LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A published event; `sequence` grows with every event of the store, so it orders those of one name and key."""

    sequence: int
    name: str
    key: str
    payload: Json
    published_at: datetime
