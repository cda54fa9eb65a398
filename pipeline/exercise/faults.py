"""What goes wrong at a source: armed by a scenario or by hand, spent request by request."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from threading import Lock
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Kind = Literal["timeout", "disconnect", "429", "500", "503", "truncated", "html", "empty", "redelivery", "stale"]

#: Prefix of a path under which a file is offered a second time (kind `redelivery`).
AGAIN = "/redelivered"

PAGE = b"<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body>We will be back shortly.</body></html>\n"


def _utc(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Fault(BaseModel):
    """One fault.

    timeout: the answer comes after `delay` seconds. disconnect: headers, then nothing. 429, 503: with Retry-After.
    500: an error page. truncated: half of the promised body. html: a maintenance page with status 200. empty: a list
    without entries. redelivery: every entry twice, the second under another href. stale: what was there at `as_of`
    (an old revision after a newer one).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: str = Field(description="Pattern (* and ?) of HOST/PATH, without query")
    kind: Kind = Field(description="What goes wrong")
    times: int = Field(1, ge=1, description="How many requests meet it")
    at: Annotated[datetime | None, AfterValidator(_utc)] = Field(None, description="Not before this moment of the exercise")
    retry_after: int = Field(1, ge=0, description="Seconds that 429 and 503 ask to wait")
    delay: float = Field(30, gt=0, description="Seconds until a timed-out answer comes")
    as_of: Annotated[datetime | None, AfterValidator(_utc)] = Field(None, description="Moment a stale answer is of")

    @model_validator(mode="after")
    def _complete(self) -> Fault:
        if self.kind == "stale" and self.as_of is None:
            raise ValueError("as_of: a stale answer needs the moment it is of")
        return self


class Faults:
    """The armed faults of one server; safe for requests at the same time."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = Lock()
        self._armed: list[tuple[Fault, int]] = []
        self.arm(faults)

    def arm(self, faults: Iterable[Fault]) -> None:
        """Add faults; those armed first are met first."""
        with self._lock:
            self._armed += [(fault, fault.times) for fault in faults]

    def clear(self) -> None:
        """Disarm all."""
        with self._lock:
            self._armed.clear()

    @property
    def armed(self) -> list[tuple[Fault, int]]:
        """The faults not yet spent, with how often they are still to be met."""
        with self._lock:
            return list(self._armed)

    def take(self, target: str, now: datetime) -> Fault | None:
        """Return the fault that a request for HOST/PATH meets, and spend it once; None: all is well."""
        with self._lock:
            for place, (fault, left) in enumerate(self._armed):
                if (fault.at is None or fault.at <= now) and fnmatchcase(target, fault.match):
                    self._armed[place : place + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None


def emptied(body: bytes) -> bytes:
    """Return an answer without its entries: no features, no lines below the header, else nothing at all."""
    if body.startswith(b"#"):
        return body.split(b"\n", 1)[0] + b"\n"
    value = _json(body)
    if not isinstance(value, dict) or "features" not in value:
        return b""
    counts = {name: 0 for name in ("numberReturned", "numberMatched") if name in value}
    kept = {name: entry for name, entry in value.items() if name != "bbox"}
    return _bytes({**kept, **counts, "features": [], **({"links": []} if "links" in value else {})})


def redelivered(body: bytes) -> bytes:
    """Return an answer in which every feature comes a second time, under another href."""
    value = _json(body)
    if not isinstance(value, dict) or "features" not in value:
        return body
    return _bytes({**value, "features": [*value["features"], *(_elsewhere(feature) for feature in value["features"])]})


def _elsewhere(feature: dict[str, Any]) -> dict[str, Any]:
    assets = {name: {**asset, "href": _moved(asset["href"])} for name, asset in feature.get("assets", {}).items()}
    properties = dict(feature["properties"])
    if "detail" in properties:
        properties["detail"] = _moved(properties["detail"])
    return {**feature, "properties": properties, **({"assets": assets} if assets else {})}


def _moved(href: str) -> str:
    scheme, rest = href.split("://", 1)
    host, path = rest.split("/", 1)
    return f"{scheme}://{host}{AGAIN}/{path}"


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _bytes(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
