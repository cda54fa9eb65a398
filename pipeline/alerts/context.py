"""What the one who warns brings along besides the assessment: who speaks, about what, when and to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from pipeline.alerts.assessment import Fact
from pipeline.alerts.decide import About, Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class WarnContext:
    """One call of `warn` or `cancel`."""

    hazard: str
    """Id of the hazard, for example `shaking`."""
    words: str
    """Key of the texts in `messages`, for example `earthquake`."""
    incident: str
    """What all messages about one thing share: the subject's series."""
    subject: str
    """The same for all revisions of one event, scene or day."""
    revision: int
    product: str
    """Id of the Item behind the assessment."""
    data_time: datetime
    """Moment the data are about: origin time, acquisition, the day's noon; UTC."""
    now: datetime
    status: Literal["Actual", "Exercise", "Test"]
    sender: str
    sender_name: str
    category: str
    event_code: str
    """Code of the OASIS event terms list, for example `OET-068`."""
    languages: tuple[str, ...]
    """Languages of the region, the main one first."""
    drill: str | None = None
    """Name of the exercise; needed for status Exercise."""
    response_type: str = "Monitor"
    web: str | None = None
    contact: str | None = None
    onset: datetime | None = None
    """When the hazard begins, where it is forecast."""
    lifetime: timedelta = timedelta(hours=24)
    max_age: timedelta = timedelta(hours=48)
    hold: timedelta = timedelta(hours=3)
    base_url: str | None = None
    """Public address of the store's root; links are relative without it."""
    product_url: str | None = None
    """Public http(s) address of the Item."""
    synthetic: bool = False
    """Whether the product rests on generated data."""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """Facts of the subject for the texts: magnitude, depth (km), latitude, longitude."""

    @property
    def about(self) -> About:
        """What orders this assessment among others of the incident."""
        return About(self.subject, self.revision, self.data_time, self.product)

    @property
    def timing(self) -> Timing:
        """The clock and the patience of the decision."""
        return Timing(self.now, self.max_age, self.hold, self.lifetime / 4)
