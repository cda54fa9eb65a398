"""Whatever the bytes are, a decoder answers with a dataset or with FeedMalformed, and opens nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import FeedMalformed
from pipeline.feeds.shakemap import decode_rupture, decode_stations, event_xml
from tests.feeds.conftest import PAYLOADS
from tests.feeds.shakemap import test_event_xml, test_rupture, test_stations

Decode = Callable[[bytes], xr.Dataset]


def stations(data: bytes) -> xr.Dataset:
    return decode_stations(data, "payload")


def ruptures(data: bytes) -> xr.Dataset:
    return decode_rupture(data, "payload", near=(78.0, 41.0))


def events(data: bytes) -> xr.Dataset:
    return event_xml.decode(data, "payload")


def payload(name: str) -> bytes:
    return (Path(PAYLOADS) / name).read_bytes()


SAMPLES: dict[str, tuple[Decode, bytes]] = {
    "stationlist": (stations, payload("shakemap_stationlist.json")),
    "cells": (stations, payload("dyfi_geo_10km.geojson")),
    "cells as text": (stations, test_stations.CDI),
    "amplitudes": (stations, (test_stations.DTD + test_stations.STATIONS).encode()),
    "table": (stations, test_stations.TABLE.encode()),
    "rupture": (ruptures, payload("shakemap_rupture.json")),
    "fault": (ruptures, test_rupture.text(test_rupture.RING, test_rupture.ONE)),
    "finite fault": (ruptures, payload("finite_fault.geojson")),
    "inversion": (ruptures, payload("finite_fault.param")),
    "event": (events, test_event_xml.EVENT),
    "older event": (events, test_event_xml.OLD),
}
VALUES = (None, True, -1, 0, 1e308, 10**400, "", "x", "null", "\ud800", [], {}, [[]], [0, 0, 0], "1e999", "\u0663")


def altered(value: Any, choose: Callable[[int], int]) -> Any:
    """Return a JSON value in which one part, somewhere, is another."""
    if isinstance(value, Mapping) and value and choose(8):
        key = sorted(value)[choose(len(value))]
        return {**value, key: altered(value[key], choose)}
    if isinstance(value, list) and value and choose(8):
        place = choose(len(value))
        return [*value[:place], altered(value[place], choose), *value[place + 1 :]]
    return VALUES[choose(len(VALUES))]


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_a_payload_changed_somewhere_is_read_or_malformed_and_what_is_read_is_sound(name: str, seed: int) -> None:
    decode, whole = SAMPLES[name]
    generator = random.Random(seed)
    if whole[:1] == b"{" and seed % 2:
        data = json.dumps(altered(json.loads(whole), generator.randrange)).encode()
    else:
        place = generator.randrange(len(whole))
        data = whole[:place] + generator.randbytes(generator.randrange(4)) + whole[place + generator.randrange(4) :]
    try:
        found = decode(data)
    except FeedMalformed:
        return
    sound(found)


def sound(dataset: xr.Dataset) -> None:
    """Check what every reader of a decoded dataset relies on."""
    assert dataset.data_vars
    assert (np.abs(dataset.latitude.values) <= 90.0).all()
    assert ((dataset.longitude.values >= -180.0) & (dataset.longitude.values < 180.0)).all()
    for name in dataset.data_vars:
        if f"{name}_std" in dataset:
            assert not (dataset[name].values <= 0.0).any()
            assert (np.isnan(dataset[name].values) == np.isnan(dataset[f"{name}_std"].values)).all()


HOSTILE = {
    "nothing": b"",
    "blank": b" \r\n",
    "html": b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>",
    "json null": b"null",
    "json list": b"[1, 2]",
    "json object": b'{"error": "quota exceeded"}',
    "json deep": b"[" * 200_000,
    "json long number": b'{"features": ' + b"9" * 5000 + b"}",
    "json nan": b'{"type": "FeatureCollection", "features": [NaN]}',
    "random": random.Random(20240122).randbytes(4000),
    "zeros": bytes(4000),
    "other text": "нет данных".encode("utf-16"),
    "entities": b'<!DOCTYPE stationlist [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><stationlist>&b;</stationlist>',
    "entity in an attribute": b'<!DOCTYPE earthquake [<!ENTITY a "us1">]><earthquake id="&a;" netid="us"/>',
    "entity from a file": b'<!DOCTYPE stationlist [<!ENTITY a SYSTEM "file:///etc/passwd">]><stationlist>&a;</stationlist>',
    "parameter entity": b'<!DOCTYPE stationlist [<!ENTITY % a SYSTEM "http://127.0.0.1:1/x">%a;]><stationlist/>',
    "external type": b'<!DOCTYPE stationlist SYSTEM "http://127.0.0.1:1/x.dtd"><stationlist/>',
    "another alphabet": '<?xml version="1.0" encoding="IBM037"?><!DOCTYPE stationlist [<!ENTITY a "b">]><stationlist/>'.encode(
        "cp037"
    ),
    "xml deep": b"<stationlist>" * 100_000,
    "wide xml": b"<stationlist><station code='" + b"a" * 11_000_000 + b"'/></stationlist>",
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("decode", [stations, ruptures, events])
def test_what_a_source_may_answer_instead_is_malformed(decode: Decode, kind: str) -> None:
    with pytest.raises(FeedMalformed):
        decode(HOSTILE[kind])
