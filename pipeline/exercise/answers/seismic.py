"""Earthquake services: the summary and detail feeds of USGS, and FDSN event services (specification 1.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.errors import InputError
from pipeline.exercise.answers.reply import GEOJSON, Asked, Reply, as_json, not_there
from pipeline.exercise.generate import quakes
from pipeline.exercise.generate.quakes import Bulletin
from pipeline.exercise.scenario import Service
from pipeline.exercise.stage import Stage
from pipeline.model import moment

#: Hosts by the service behind them.
HOSTS: Mapping[str, Service] = {
    **{host: service for service, host in quakes.HOSTS.items()},
    "seismicportal.eu": "emsc",
    "geofon.gfz-potsdam.de": "gfz",
    "isc.ac.uk": "isc",
}
#: Formats by service.
FORMATS: Mapping[Service, tuple[str, ...]] = {
    "usgs": ("quakeml", "xml", "geojson", "text"),
    "emsc": ("xml", "json", "text"),
    "gfz": ("xml", "text"),
    "isc": ("xml", "text"),
}
#: Most events in an answer.
LIMIT = 20_000
_PERIODS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}
_FEED = "/earthquakes/feed/v1.0"
_SUMMARY = re.compile(_FEED + r"/summary/(all|significant|\d\.\d)_(hour|day|week|month)\.geojson")
_DETAIL = re.compile(_FEED + r"/detail/(\w+)\.geojson")
#: Significance from which USGS calls an event significant.
_SIGNIFICANT = 600


def answer(stages: list[tuple[Stage, datetime]], asked: Asked) -> Reply:
    """Return what the service at a host says."""
    service = HOSTS[asked.host]
    known = [bulletin for stage, now in stages for bulletin in stage.bulletins(service, now)]
    now = _now(stages, service)
    if asked.path == "/fdsnws/event/1/query":
        return _query(service, known, asked, now)
    if asked.path == "/fdsnws/event/1/version":
        return Reply(200, b"1.2.0\n")
    if service == "usgs" and (match := _SUMMARY.fullmatch(asked.path)):
        kept = [b for b in known if now - b.quake.time <= _PERIODS[match[2]] and _large(b, match[1])]
        return as_json(quakes.summary(kept, now, f"https://{asked.target}"), GEOJSON)
    if service == "usgs" and (match := _DETAIL.fullmatch(asked.path)):
        return _detail([b for b in known if match[1] in b.quake.every_id], asked)
    return not_there(asked.target)


def _now(stages: list[tuple[Stage, datetime]], service: Service) -> datetime:
    """Return the clock of the scenario that plays a service; of the first, where none does."""
    playing = [now for stage, now in stages if any(getattr(news, "service", None) == service for news in stage.scenario.events)]
    return max(playing, default=stages[0][1])


def _large(bulletin: Bulletin, least: str) -> bool:
    magnitude = bulletin.quake.magnitude
    if least == "all" or magnitude is None:
        return least == "all"
    return magnitude**2 * 15.385 >= _SIGNIFICANT if least == "significant" else magnitude >= float(least)


def _detail(found: list[Bulletin], asked: Asked) -> Reply:
    if not found:
        return not_there(asked.target)
    if found[0].deleted:
        return Reply(409, b"Event deleted\n")
    return as_json(quakes.detail(found[0]), GEOJSON)


def _query(service: Service, known: list[Bulletin], asked: Asked, now: datetime) -> Reply:
    query = {name.lower(): value for name, value in asked.query.items()}
    form = query.get("format", "xml" if service != "usgs" else "quakeml")
    if form not in FORMATS[service]:
        return _bad(f"format {form!r} is not supported")
    try:
        limit, offset = int(query.get("limit", LIMIT)), int(query.get("offset", 1))
        tests = _tests(query, service)
    except (ValueError, InputError) as error:
        return _bad(str(error))
    if not (1 <= limit <= LIMIT and offset >= 1):
        return _bad("limit or offset out of range")
    found = [bulletin for bulletin in known if all(test(bulletin) for test in tests)]
    if "eventid" in query:
        return _by_id(service, known, query, form, now)
    found = sorted(found, key=lambda b: b.quake.time, reverse="asc" not in query.get("orderby", ""))
    return _written(service, found[offset - 1 : offset - 1 + limit], form, now, f"https://{asked.target}")


def _by_id(service: Service, known: list[Bulletin], query: Mapping[str, str], form: str, now: datetime) -> Reply:
    found = [b for b in known if query["eventid"] in b.quake.every_id]
    if found and found[0].deleted and service == "usgs" and query.get("includedeleted", "false") == "false":
        return Reply(409, b"Event deleted\n")
    kept = [b for b in found if service == "usgs" or not b.deleted]
    if form == "geojson" and kept:
        return as_json(quakes.detail(kept[0]), GEOJSON)
    return _written(service, kept, form, now, "")


def _written(service: Service, found: list[Bulletin], form: str, now: datetime, url: str) -> Reply:
    if not found:
        return Reply(204)
    match form:
        case "text":
            return Reply(200, quakes.text(found), "text/plain")
        case "geojson":
            answer = quakes.summary(found, now, url)
            return as_json({**answer, "features": [quakes.feature(bulletin, query=True) for bulletin in found]}, GEOJSON)
        case "json":
            return as_json(quakes.emsc(found), GEOJSON)
    return Reply(200, quakes.quakeml(found, now), "application/xml")


Test = Callable[[Bulletin], bool]


def _tests(query: Mapping[str, str], service: Service) -> list[Test]:
    """Return what a query asks of an event; InputError or ValueError where it cannot be understood."""
    deleted = query.get("includedeleted", "false").lower() if service == "usgs" else "false"
    tests: list[Test] = [{"false": lambda b: not b.deleted, "only": lambda b: b.deleted}.get(deleted, lambda b: True)]
    for name, value in query.items():
        test = _test(name, value)
        if test is not None:
            tests.append(test)
    return tests


def _test(name: str, value: str) -> Test | None:
    match name:
        case "starttime" | "start":
            start = _time(value)
            return lambda b: b.quake.time >= start
        case "endtime" | "end":
            end = _time(value)
            return lambda b: b.quake.time <= end
        case "updatedafter":
            after = _time(value)
            return lambda b: b.updated > after
        case "minmagnitude" | "minmag" | "maxmagnitude" | "maxmag":
            return _between(lambda b: b.quake.magnitude, name, float(value))
        case "minlatitude" | "minlat" | "maxlatitude" | "maxlat":
            return _between(lambda b: b.quake.latitude, name, float(value))
        case "minlongitude" | "minlon" | "maxlongitude" | "maxlon":
            return _between(lambda b: b.quake.longitude, name, float(value))
        case "mindepth" | "maxdepth":
            return _between(lambda b: b.quake.depth, name, float(value))
    return None


def _between(value: Callable[[Bulletin], float | None], name: str, limit: float) -> Test:
    def test(bulletin: Bulletin) -> bool:
        found: Any = value(bulletin)
        return found is not None and (found >= limit if name.startswith("min") else found <= limit)

    return test


def _time(text: str) -> datetime:
    return moment(text).astimezone(UTC)


def _bad(reason: str) -> Reply:
    return Reply(400, f"Error 400: Bad Request\n\n{reason}\n".encode())
