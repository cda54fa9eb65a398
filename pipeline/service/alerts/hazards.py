"""Which hazards may be asked for: a name that is none of them would find nothing, which reads as "no warnings"."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.service.alerts.find import hazards
from pipeline.service.alerts.shelf import Shelf
from pipeline.service.door import Door
from pipeline.service.refused import refused
from pipeline.service.stac.collections import Collections


def only_hazards(door: Door, shelf: Shelf, asked: Iterable[str]) -> None:
    """Refuse what is no hazard: neither configured, nor one that a product was published or a message sent of.

    Raises
    ------
    HTTPException
        400, naming what was found and what was expected.
    """
    known = set(door.work.config.hazards)
    unknown = [hazard for hazard in asked if hazard not in known]
    if not unknown:
        return
    shelf.refresh()
    known |= {*Collections(door.work.store).ids(), *hazards(shelf)}
    wrong = next((hazard for hazard in unknown if hazard not in known), None)
    if wrong is not None:
        raise refused(400, f"found hazard {wrong[:100]!r}, expected one of {sorted(known)}")
