"""What describes the features: landing page, conformance, the collection and the schema of its properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.model import Bounds

CONFORMS_TO = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
)
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
SCHEMA = "application/schema+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"

_WHAT = "Warnings of this service as CAP messages, newest first: those that stand and those that are past."

#: Texts of a message that says nothing (a Cancel need not).
NO_TEXT: Mapping[str, Any] = dict.fromkeys(
    ("language", "event", "headline", "description", "instruction", "areaDesc", "senderName", "web", "contact"), None
) | {"translation_reviewed": True}

_TEXT, _MOMENT = {"type": "string"}, {"type": "string", "format": "date-time"}
_CLAIM, _LIST = {"type": "boolean"}, {"type": "array", "items": {"type": "string"}}

#: Property: its type and what it says.
PROPERTIES: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "identifier": (_TEXT, "CAP identifier; the id of the feature"),
    "sender": (_TEXT, "CAP sender"),
    "sent": (_MOMENT, "When it was sent, UTC"),
    "status": (_TEXT, "Actual; Exercise and Test are no warnings"),
    "msgType": (_TEXT, "Alert opens an incident, Update changes it, Cancel says that it was wrong"),
    "scope": (_TEXT, "CAP scope"),
    "note": (_TEXT, "Name of the exercise"),
    "references": (_LIST, "Identifiers of all messages that it supersedes"),
    "incident": (_TEXT, "What its messages are about; the same for a warning and its updates"),
    "hazard": (_TEXT, "Id of the hazard"),
    "category": (_TEXT, "CAP category"),
    "urgency": (_TEXT, "CAP urgency"),
    "severity": (_TEXT, "CAP severity; no colour of GDACS or PAGER"),
    "certainty": (_TEXT, "CAP certainty"),
    "responseType": (_LIST, "CAP response types; AllClear: the hazard is over"),
    "eventCode": (_LIST, "Codes of the OASIS event terms list"),
    "onset": (_MOMENT, "When the hazard begins, where it is foreseen"),
    "effective": (_MOMENT, "From when the message counts"),
    "expires": (_MOMENT, "Until when it counts; after that nothing is said, neither warning nor all-clear"),
    "geocodes": ({"type": "object"}, "Codes of the areas, by the list they are from"),
    "circles": (_LIST, "Circles as the message has them: latitude,longitude radius in km"),
    "exercise": (_CLAIM, "Whether it is part of a drill"),
    "synthetic": (_CLAIM, "Whether it was made from generated data"),
    "product": (_TEXT, "Id of the STAC Item it was made from"),
    "active": (_CLAIM, "Whether it stands now: not superseded, cancelled, cleared or expired"),
    "superseded_by": (_TEXT, "Identifier of the newest message that supersedes it"),
    "language": (_TEXT, "Language of the texts that follow"),
    "event": (_TEXT, "Name of the hazard"),
    "headline": (_TEXT, "One line"),
    "description": (_TEXT, "What was found, and where it could not be seen"),
    "instruction": (_TEXT, "What to do"),
    "areaDesc": (_TEXT, "Names of the areas"),
    "senderName": (_TEXT, "Who warns"),
    "web": (_TEXT, "Page about the warnings"),
    "contact": (_TEXT, "Whom to ask"),
    "translation_reviewed": (_CLAIM, "Whether a native speaker has reviewed the texts"),
    "languages": (_LIST, "All languages of the message"),
    "cap": (_TEXT, "Address of the CAP file"),
}


def link(rel: str, href: str, media_type: str, title: str | None = None) -> dict[str, str]:
    """Return a link."""
    return {"rel": rel, "href": href, "type": media_type, **({"title": title} if title else {})}


def landing(base: str, title: str) -> dict[str, Any]:
    """Return the page from which all else is found."""
    here = f"{base}/features"
    return {
        "title": f"{title}: alerts",
        "description": _WHAT,
        "links": [
            link("self", here, "application/json", "This document"),
            link("service-desc", f"{here}/api", OPENAPI, "The interface, OpenAPI 3.0"),
            link("conformance", f"{here}/conformance", "application/json", "Standards that hold"),
            link("data", f"{here}/collections", "application/json", "Collections"),
            link("alternate", f"{base}/alerts/atom.xml", "application/atom+xml", "The messages as an Atom feed"),
        ],
    }


def collection(base: str, box: Bounds | None, dates: tuple[str, str] | None) -> dict[str, Any]:
    """Return the collection, with where and when its messages hold; the whole world and any time where there are none."""
    here = f"{base}/features/collections/alerts"
    return {
        "id": "alerts",
        "title": "Alerts",
        "description": _WHAT,
        "itemType": "feature",
        "extent": {
            "spatial": {"bbox": [list(box or (-180.0, -90.0, 180.0, 90.0))], "crs": CRS84},
            "temporal": {"interval": [list(dates or (None, None))], "trs": GREGORIAN},
        },
        "crs": [CRS84],
        "storageCrs": CRS84,
        "links": [
            link("self", here, "application/json"),
            # One link of this kind only: readers take the last they find for the address of all features.
            link("items", f"{here}/items", "application/geo+json", "The messages"),
            link("describedby", f"{here}/schema", SCHEMA, "What the properties are"),
            link("alternate", f"{base}/alerts/atom.xml", "application/atom+xml", "The messages as an Atom feed"),
        ],
    }


def schema(base: str) -> dict[str, Any]:
    """Return the JSON Schema of a feature's properties."""
    properties = {name: {**kind, "title": name, "description": said} for name, (kind, said) in PROPERTIES.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{base}/features/collections/alerts/schema",
        "title": "Alerts",
        "type": "object",
        "properties": {
            "geometry": {"format": "geometry-polygon", "x-ogc-role": "primary-geometry"},
            **properties,
            "identifier": {**properties["identifier"], "x-ogc-role": "id"},
        },
    }
