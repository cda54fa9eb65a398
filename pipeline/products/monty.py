"""The Monty STAC extension: events and hazards named as the Global Crisis Data Bank names them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.model import Event, Subject, compact

#: Version of the extension followed.
EXTENSION = "https://ifrcgo.org/monty-stac-extension/v1.3.0/schema.json"

#: UNDRR-ISC 2025 Hazard Information Profile and GLIDE code of each layer: GH0101 earthquake, MH0600 flooding,
#: EN0205 wildfires (https://www.undrr.org, HIPs 2025; https://glidenumber.net).
HAZARD_CODES: Mapping[str, tuple[str, str]] = {
    "shaking": ("GH0101", "EQ"),
    "flood_extent": ("MH0600", "FL"),
    "fire_weather": ("EN0205", "WF"),
}


@dataclass(frozen=True, slots=True)
class Severity:
    """How strong a hazard is, in one number."""

    value: float
    unit: str
    """For example "mw" or "MMI"."""
    label: str = ""


def monty_properties(
    layer: str, subject: Subject, countries: Sequence[str], severity: Severity | None = None
) -> dict[str, Any]:
    """Return the properties of a hazard Item by Monty; empty where the layer has no hazard code.

    Parameters
    ----------
    layer
        Name of the layer.
    subject
        What the Item is about.
    countries
        ISO 3166-1 alpha-3 codes, the one most concerned first.
    severity
        The strongest value, where there is one.
    """
    codes = HAZARD_CODES.get(layer)
    if codes is None:
        return {}
    properties: dict[str, Any] = {
        "roles": ["hazard", "source"],
        "monty:country_codes": list(countries),
        "monty:hazard_codes": list(codes),
        "monty:corr_id": correlation(subject, countries, codes[0]),
    }
    if isinstance(subject, Event):
        properties["monty:src_event_id"] = subject.id
    if severity is not None:
        detail = {"severity_value": severity.value, "severity_unit": severity.unit, "estimate_type": "modelled"}
        properties["monty:hazard_detail"] = detail | ({"severity_label": severity.label} if severity.label else {})
    return properties


def correlation(subject: Subject, countries: Sequence[str], code: str) -> str:
    """Return Monty's correlation identifier: `{time}-{country}-{hazard}-{episode}-GCDB`.

    An event's time is that in its id, which no revision changes.
    """
    when = compact(subject.start)
    if isinstance(subject, Event) and (found := re.match(r"eq(\d{8})(\d{6})", subject.id)):
        when = f"{found[1]}T{found[2]}Z"
    return f"{when}-{countries[0] if countries else 'XXX'}-{code}-1-GCDB"
