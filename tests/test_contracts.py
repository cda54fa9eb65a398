"""What every registered layer and every feed protocol must keep, whatever it computes or reads."""

import json
import random
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import dask
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import config, grid
from pipeline.errors import ConfigError, FeedError, FeedMalformed, FeedRefused, FeedUnavailable, InputError, UnitsError
from pipeline.feeds import PROTOCOLS
from pipeline.feeds.protocol import Rejected
from pipeline.hazards import HAZARDS
from pipeline.layer import Outcome, Table, Variable
from pipeline.steps import open_workspace
from tests.feeds.conftest import PAYLOADS, mirror  # noqa: F401
from tests.feeds.test_features import geopackage
from tests.feeds.test_grib import message

ROOT = Path(__file__).parents[1]
LAYERS = pytest.mark.parametrize("layer", HAZARDS.values(), ids=HAZARDS)
GRIDS = pytest.mark.parametrize("layer", [one for one in HAZARDS.values() if one.outputs], ids=lambda layer: layer.name)
TABLES = pytest.mark.parametrize("layer", [one for one in HAZARDS.values() if one.tables], ids=lambda layer: layer.name)

# Layers: inputs are made from the declaration alone

BOX = grid.region_geobox((78.0, 41.0, 78.6, 41.48), 0.01)
DAY = np.datetime64("2024-07-05", "ns")
#: Ranges of plausible values by the name of an input; names not listed take the range of their units.
BY_NAME = {
    "magnitude": (6.9, 7.1),
    "depth": (10, 15),
    "longitude": (78.2, 78.4),
    "latitude": (41.2, 41.3),
    "rake": (-30, 120),
    "vv": (0.01, 0.3),
    "vh": (0.002, 0.06),
    "vs30": (180, 900),
    "elevation": (500, 3000),
    "reference_water": (0, 1),
    "gradient": (0.02, 0.1),
    "ffmc": (20, 95),
    "dmc": (1, 60),
    "dc": (10, 500),
    "population": (0, 40),
}
BY_UNITS = {
    "K": (255, 315),
    "degC": (-15, 40),
    "%": (5, 100),
    "m": (0, 60),
    "km h-1": (0, 60),
    "m s-1": (0, 20),
    "kg m-2": (0, 20),
    "dB": (-22, -6),
    "1": (0, 1),
    "cm s-1": (5, 80),
    "standard_gravity": (0.11, 0.6),
    "km": (0, 20),
    "mm": (100, 900),
    "days": (1, 2),
}
#: Texts of a column by its name: those of a row, over and over.
TEXTS = {"country": ["KGZ", "CN", ""], "kind": ["dam", "hospital", "kiosk"]}
#: Halves of the box, and a place far from it.
POLYGONS = [shapely.box(78.0, 41.0, 78.3, 41.5), shapely.box(78.3, 41.0, 78.7, 41.5), shapely.box(10, 41, 11, 42)]


def rows(table, generator):
    """Return samples with the columns that a table must have."""
    if table.example is not None:
        known = {name: (table.columns[name], values) for name, values in table.example.items()}
        return xr.Dataset({n: (table.dims, np.asarray(v, c.dtype), {"units": c.units}) for n, (c, v) in known.items()})
    columns = {}
    for name, variable in table.columns.items():
        if variable.optional:
            continue
        if np.issubdtype(variable.dtype, np.floating):
            values = generator.uniform(*(BY_NAME.get(name) or BY_UNITS[variable.units]), 3).astype(variable.dtype)
        elif name == "geometry":
            values = np.array([shapely.to_wkb(polygon) for polygon in POLYGONS], dtype=object)
        else:
            values = np.array(TEXTS.get(name, ["one", "two", "three"]), dtype=object)
        columns[name] = (table.dims, values.reshape(3, *[1] * (len(table.dims) - 1)), {"units": variable.units})
    return xr.Dataset(columns)


def made(layer, seed=0, unknown=0.0):
    """Return inputs on one grid, NumPy, a share of the cells of each unknown."""
    generator = np.random.default_rng(seed)
    inputs = {}
    for name, variable in layer.inputs.items():
        if isinstance(variable, Table):
            inputs[name] = rows(variable, generator)
            continue
        low, high = BY_NAME.get(name) or BY_UNITS[variable.units]
        if variable.on == "scalar":
            array = xr.DataArray(generator.uniform(low, high))
        else:
            values = generator.uniform(low, high, tuple(BOX.shape)).astype(np.float32)
            values[generator.random(values.shape) < unknown] = np.nan
            array = grid.on_geobox(xr.DataArray(values, dims=("y", "x")), BOX).assign_coords(time=DAY)
        inputs[name] = array.assign_attrs(units=variable.units)
    return inputs


@cache
def outcome(name):
    return ran(HAZARDS[name], made(HAZARDS[name]))


def computed(name):
    return outcome(name).grid


def ran(layer, inputs, **options):
    """Return what a layer gives, computed."""
    return Outcome(*dask.compute(*layer.run(**inputs), **options))


def lazily(inputs, height, width):
    return {
        name: array.chunk(dict(zip(array.dims, (height, width), strict=True))) if is_grid(array) else array
        for name, array in inputs.items()
    }


def is_grid(array):
    return isinstance(array, xr.DataArray) and bool(array.ndim)


def same_bytes(one, other):
    """Whether two outcomes have the same cells and rows."""
    for name, frame in one.tables.items():
        pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(other.tables[name]), check_exact=True)
    return {name: array.values.tobytes() for name, array in one.grid.items()} == {
        name: array.values.tobytes() for name, array in other.grid.items()
    }


def is_unknown(array, variable):
    return np.isnan(array.values) if np.isnan(variable.nodata) else array.values == variable.nodata


def gridded(layer):
    return [name for name, entry in layer.inputs.items() if isinstance(entry, Variable) and entry.on == "grid"]


def refuse(*args, **kwargs):
    raise AssertionError("something was computed before it was asked for")


@LAYERS
def test_a_layer_says_what_it_is_where_it_is_from_and_answers_its_questions(layer):
    answers = layer.answers
    assert HAZARDS[layer.name] is layer
    assert layer.title and layer.source and re.fullmatch(r"\d+\.\d+\.\d+", layer.version)
    assert layer.doi is None or re.fullmatch(r"10\.\d{4,}/\S+", layer.doi)
    named = [answers.estimate, answers.uncertainty, answers.exclusion]
    assert all(name in layer.tables for name in named) or len(set(named)) == 3
    assert answers.exclusion in layer.tables or layer.outputs[answers.exclusion].labels[0]
    assert layer.function.__doc__.strip().startswith("Return")
    tables = {name: entry for name, entry in {**layer.inputs, **layer.tables}.items() if isinstance(entry, Table)}
    columns = {name: column for table in tables.values() for name, column in table.columns.items()}
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) and table.long_name and table.columns for name, table in tables.items())
    inputs = {name: entry for name, entry in layer.inputs.items() if isinstance(entry, Variable)}
    for name, variable in {**columns, **inputs, **layer.outputs}.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name) and variable.long_name
        is_text = np.dtype(variable.dtype) == object
        assert is_text or np.issubdtype(variable.dtype, np.floating) or np.isfinite(variable.nodata), name
        assert variable.labels is None or variable.nodata not in variable.labels
        assert variable.labels is None or variable.colours is None or set(variable.colours) <= set(variable.labels)


@GRIDS
def test_a_layer_keeps_grid_and_declaration(layer):
    found = computed(layer.name)
    assert list(found) == list(layer.outputs)
    assert grid.geobox_of(found) == BOX
    for name, variable in layer.outputs.items():
        array = found[name]
        expected = {"units": variable.units, "long_name": variable.long_name}
        assert array.dims == BOX.dimensions and array.dtype == variable.dtype
        assert expected.items() <= array.attrs.items()
        assert np.array_equal(array.attrs["nodata"], variable.nodata, equal_nan=True)
        assert array.attrs.get("standard_name") == variable.standard_name
        if variable.labels:
            assert array.attrs["flag_values"].tolist() == list(variable.labels)
            assert len(array.attrs["flag_meanings"].split()) == len(variable.labels)
            assert set(np.unique(array)) <= {*variable.labels, int(variable.nodata)}


@GRIDS
def test_the_day_travels_through_a_layer(layer):
    assert computed(layer.name).time == DAY


@GRIDS
def test_plausible_input_gives_an_estimate_with_its_uncertainty(layer):
    found, answers = computed(layer.name), layer.answers
    unknown = is_unknown(found[answers.estimate], layer.outputs[answers.estimate])
    assert not unknown.all()
    unsure = is_unknown(found[answers.uncertainty], layer.outputs[answers.uncertainty])
    assert not (unsure & ~unknown).any(), "an estimate without uncertainty"


@GRIDS
def test_unknown_in_is_unknown_out_and_never_no_hazard(layer):
    inputs = made(layer)
    for name in gridded(layer):
        inputs[name][10:20, 10:20] = np.nan
    found, answers = layer(**inputs).compute(), layer.answers
    inside = (slice(12, 18), slice(12, 18))
    assert is_unknown(found[answers.estimate], layer.outputs[answers.estimate])[inside].all()
    assert (found[answers.exclusion].values[inside] != 0).all()


@GRIDS
def test_a_cell_without_one_needed_input_is_unknown_or_excluded(layer):
    for name in gridded(layer):
        if layer.inputs[name].optional:
            continue
        inputs = made(layer)
        inputs[name][10:20, 10:20] = np.nan
        found = layer(**inputs).compute()[layer.answers.exclusion].values
        assert (found[12:18, 12:18] != 0).all(), name


@LAYERS
def test_inputs_stay_as_they_were(layer):
    inputs = made(layer, unknown=0.1)
    before = {name: array.copy(deep=True) for name, array in inputs.items()}
    ran(layer, inputs)
    for name, array in inputs.items():
        xr.testing.assert_identical(array, before[name])


@LAYERS
def test_a_layer_is_lazy_and_equal_to_numpy(layer):
    inputs = made(layer)
    with dask.config.set(scheduler=refuse):
        lazy = layer.run(**lazily(inputs, 24, 20))
    assert all(dask.is_dask_collection(array.data) for array in lazy.grid.values())
    assert all(dask.is_dask_collection(table) for table in lazy.tables.values()) or not gridded(layer)
    found = Outcome(*dask.compute(*lazy, scheduler="threads"))
    assert same_bytes(found, outcome(layer.name))
    assert {name: str(array.attrs) for name, array in found.grid.items()} == {
        name: str(array.attrs) for name, array in computed(layer.name).items()
    }


@LAYERS
@settings(max_examples=4, deadline=None, derandomize=True)
@given(rows=st.integers(7, 60), columns=st.integers(7, 60), unknown=st.sampled_from([0.0, 0.3]))
def test_chunks_change_no_byte(layer, rows, columns, unknown):
    inputs = made(layer, unknown=unknown)
    found = ran(layer, lazily(inputs, rows, columns), scheduler="synchronous")
    assert same_bytes(found, ran(layer, inputs))


@GRIDS
@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), unknown=st.floats(0.0, 1.0), factor=st.sampled_from([-1.0, 1.0, 100.0]))
def test_what_is_not_known_is_said_and_nothing_is_infinite(layer, seed, unknown, factor):
    inputs = made(layer, seed, unknown)
    name = gridded(layer)[seed % len(gridded(layer))]
    inputs[name] = (inputs[name] * np.float32(factor)).assign_attrs(inputs[name].attrs)
    found, answers = layer(**inputs).compute(), layer.answers
    estimate = is_unknown(found[answers.estimate], layer.outputs[answers.estimate])
    assert (found[answers.exclusion].values[estimate] != 0).all(), "unknown without a reason"
    for array in found.values():
        assert not np.isinf(array.values).any(), array.name


@LAYERS
def test_input_without_units_or_of_another_kind_is_refused_by_name(layer):
    for name, declared in layer.inputs.items():
        inputs = made(layer)
        for column in declared.columns if isinstance(declared, Table) else [None]:
            array = inputs[name] if column is None else inputs[name].get(column)
            if array is None or not np.issubdtype(array.dtype, np.floating):
                continue
            for spoilt in (array.drop_attrs(), array.assign_attrs(units="candela")):
                given = spoilt if column is None else inputs[name].assign({column: spoilt})
                with pytest.raises(UnitsError, match=column or name):
                    layer.run(**{**inputs, name: given})


@TABLES
def test_a_table_keeps_its_columns_and_can_be_written(layer, tmp_path):
    for name, frame in outcome(layer.name).tables.items():
        table = layer.tables[name]
        assert list(frame.columns) == [*table.columns, *(["geometry"] if table.geometry else [])]
        assert set(table.hxl) <= set(table.columns) and all(tag.startswith("#") for tag in table.hxl.values())
        for column, variable in table.columns.items():
            assert pd.api.types.is_numeric_dtype(frame[column]) == (variable.dtype != "object"), column
            assert variable.dtype == "object" or not np.isinf(frame[column].dropna()).any() or column == "range_to"
        frame.to_parquet(tmp_path / name)


@TABLES
def test_a_table_is_made_where_no_row_is_given_or_every_cell_is_unknown(layer):
    inputs = made(layer, unknown=1.0)
    bare = {name: None if isinstance(array, xr.Dataset) else array for name, array in inputs.items()}
    bare |= {name: inputs[name].isel(row=slice(0)) for name in bare if bare[name] is None and "row" in inputs[name].dims}
    for few in (inputs, bare):
        assert list(ran(layer, few).tables) == list(layer.tables)


@LAYERS
def test_unknown_parameters_and_missing_inputs_are_refused(layer):
    with pytest.raises(InputError, match="no_such_parameter"):
        layer(**made(layer), no_such_parameter=1)
    needed = next((name for name, variable in layer.inputs.items() if not variable.optional), None)
    if needed:
        with pytest.raises(InputError, match=needed):
            layer(**{name: array for name, array in made(layer).items() if name != needed})


# Feeds: one shipped feed of each protocol, and a small payload of each kind it reads

SHIPPED = config.load(ROOT / "config")
BY_PROTOCOL = {feed.protocol: id for id, feed in reversed(SHIPPED.feeds.items())}
PROTOCOL = pytest.mark.parametrize("protocol", PROTOCOLS)
SCENE = {
    "type": "Feature",
    "stac_version": "1.0.0",
    "id": "S1A_IW_GRDH_1SDV_20240410T021500_20240410T021525_053400_067A11_rtc",
    "collection": "sentinel-1-rtc",
    "bbox": [51.0, 50.0, 51.1, 50.1],
    "geometry": None,
    "properties": {
        "datetime": "2024-04-10T02:15:12Z",
        "sar:instrument_mode": "IW",
        "proj:epsg": 32639,
        "proj:shape": [60, 50],
        "proj:transform": [20, 0, 500000, 0, -20, 5600000],
    },
    "assets": {
        name: {
            "href": f"https://sentinel1euwestrtc.blob.core.windows.net/a/{name}.tif",
            "raster:bands": [{"nodata": -32768, "data_type": "float32"}],
        }
        for name in ("vv", "vh")
    },
    "links": [],
}
MAP = {
    "variable": "hand",
    "units": "m",
    "nodata": "-9999.0",
    "dtype": "float32",
    "band": 1,
    "scale": 1.0,
    "offset": 0.0,
    "resampling": "bilinear",
    "synthetic": False,
    "tiles": [{"crs": "EPSG:32639", "shape": [9, 9], "transform": [20, 0, 0, 0, -20, 0], "sha256": "00", "size": 9}],
}


EVENT_XML = (
    b'<earthquake id="us7000lsze" netid="us" lat="41.26" lon="78.66" mag="7.0" depth="13" '
    b'time="2024-01-22T18:09:04Z" locstring="Uqturpan" mech="RS"/>'
)


@cache
def samples(protocol):
    """Return small payloads that a protocol reads."""
    files = {
        "usgs_geojson": ("usgs_summary.geojson", "usgs_detail.geojson"),
        "fdsn_event": ("events.quakeml", "emsc.json", "events.txt"),
        "usgs_products": (
            "shakemap_stationlist.json",
            "shakemap_rupture.json",
            "dyfi_geo_10km.geojson",
            "finite_fault.geojson",
            "finite_fault.param",
        ),
    }
    others = {
        "stac": (json.dumps(SCENE).encode(), json.dumps({"type": "FeatureCollection", "features": [SCENE]}).encode()),
        "static_map": (json.dumps(MAP).encode(),),
        "grib_index": (message("2t") + message("2t", 9, 9),),
        "shakemap_files": (
            EVENT_XML,
            (PAYLOADS / "shakemap_stationlist.json").read_bytes(),
            (PAYLOADS / "shakemap_rupture.json").read_bytes(),
        ),
        "feature_table": (
            (PAYLOADS / "districts.geojson").read_bytes(),
            (PAYLOADS / "facilities.csv").read_bytes(),
            geopackage(),
        ),
    }
    return others.get(protocol) or tuple((PAYLOADS / name).read_bytes() for name in files[protocol])


@cache
def feed(protocol):
    """Return the shipped feed that speaks a protocol."""
    return open_workspace(".", SHIPPED).feed(BY_PROTOCOL[protocol])


def granules(protocol, payload):
    return [part for part in feed(protocol).split(payload, "payload") if not isinstance(part, Rejected)]


def hostile(payload):
    """Return what a source may answer instead of a payload."""
    generator = random.Random(20240122)
    cuts = sorted(generator.sample(range(1, len(payload.rstrip()) - 1), 12))
    return {
        "nothing": b"",
        "blank": b" \r\n",
        "html": b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>",
        "xml": b"<?xml version='1.0'?><a><b/></a>",
        "entities": b'<!DOCTYPE q [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2">&b;',
        "json null": b"null",
        "json list": b"[1, 2]",
        "json object": b'{"error": "quota exceeded"}',
        "json deep": b"[" * 200_000,
        "json long number": b'{"type": ' + b"9" * 5000 + b"}",
        "json surrogate": b'{"type": "\\ud800"}',
        "random": generator.randbytes(4000),
        "zeros": bytes(4000),
        "grib head": b"GRIB\xff\xff\x00\x02" + b"\xff" * 8 + bytes(40),
        "other text": "нет данных".encode("utf-16"),
        **{f"cut at {place}": payload[:place] for place in cuts if payload[place - 1 : place] != b"\n"},
    }


@PROTOCOL
def test_a_protocol_is_used_by_a_feed_that_ships_and_reads_its_samples(protocol):
    assert all(granules(protocol, payload) for payload in samples(protocol))


@PROTOCOL
def test_a_malformed_payload_is_rejected_by_split_and_by_nothing_else(protocol):
    for payload in samples(protocol):
        for kind, data in hostile(payload).items():
            try:
                found = list(feed(protocol).split(data, "payload"))
            except FeedMalformed:
                continue
            assert any(isinstance(part, Rejected) and part.reason for part in found), kind


@PROTOCOL
def test_a_malformed_payload_is_malformed_to_decode(protocol):
    for payload in samples(protocol):
        granule, raw = granules(protocol, payload)[0]
        for kind, data in hostile(raw).items():
            with pytest.raises(FeedMalformed):
                feed(protocol).decode(data, granule)
                pytest.fail(kind)


VALUES = (None, True, -1, 0, 1e308, float("nan"), "", "x", "\ud800", [], {}, [[]], "9999-99-99T99:99:99", "../../x")


def altered(value, choose):
    """Return a JSON value in which one part, somewhere, is another."""
    if isinstance(value, Mapping) and value and choose(4):
        key = sorted(value)[choose(len(value))]
        return {**value, key: altered(value[key], choose)}
    if isinstance(value, list) and value and choose(4):
        place = choose(len(value))
        return [*value[:place], altered(value[place], choose), *value[place + 1 :]]
    return VALUES[choose(len(VALUES))]


@PROTOCOL
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_a_payload_changed_somewhere_is_read_or_refused_and_never_a_crash(protocol, seed):
    generator = random.Random(seed)
    payload = samples(protocol)[seed % len(samples(protocol))]
    if payload[:1] == b"{":
        data = json.dumps(altered(json.loads(payload), generator.randrange)).encode()
    else:
        place = generator.randrange(len(payload))
        data = payload[:place] + generator.randbytes(generator.randrange(4)) + payload[place + generator.randrange(4) :]
    read_or_refused(protocol, data)


def read_or_refused(protocol, data):
    try:
        for part in feed(protocol).split(data, "payload"):
            if not isinstance(part, Rejected):
                dataset = feed(protocol).decode(part[1], part[0])
                if protocol != "stac":  # whose pixels lie elsewhere
                    dataset.load()
    except FeedError:
        pass


def put(value, *path, to):
    """Return a copy of a JSON value with another value at a path."""
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return json.dumps(copy).encode()


def detail():
    return json.loads((PAYLOADS / "usgs_detail.geojson").read_bytes())


#: A lead time of 2 000 000 000 h in place of 6 h: unit (1: hour) and number, as in section 4.
SOON, FAR = bytes([1, 0, 0, 0, 6]), bytes([1]) + (2 * 10**9).to_bytes(4, "big")
ABSURD = {
    "magnitude beyond floating point": ("usgs_geojson", lambda: put(detail(), "properties", "mag", to=10**400)),
    "products that are no list": ("usgs_geojson", lambda: put(detail(), "properties", "products", "origin", to=1)),
    "nodata beyond floating point": ("stac", lambda: put(SCENE, "assets", "vv", "raster:bands", 0, "nodata", to=10**400)),
    "no such CRS": ("static_map", lambda: put(MAP, "tiles", 0, "crs", to="EPSG:none")),
    "a year beyond 9999": ("grib_index", lambda: message("2t").replace(SOON, FAR)),
}


@pytest.mark.parametrize(("protocol", "make"), ABSURD.values(), ids=ABSURD)
def test_an_absurd_value_is_refused(protocol, make):
    read_or_refused(protocol, make())


@PROTOCOL
def test_an_unknown_option_is_a_configuration_error_naming_feed_and_option(protocol, tmp_path):
    id = BY_PROTOCOL[protocol]
    shipped = SHIPPED.path("feeds", id).read_text()
    (tmp_path / "feeds").mkdir()
    options = shipped if "options:" in shipped else f"{shipped}\noptions: {{}}\n"
    spoilt = re.sub(r"options:( \{)?", lambda m: f"options:{m[1] or ''}{INSERT[m[1]]}", options, count=1)
    (tmp_path / "feeds" / f"{id}.yaml").write_text(spoilt)
    with pytest.raises(ConfigError, match=rf"{id}(?s:.*)no_such_option"):
        open_workspace(str(tmp_path), config.load(tmp_path)).feed(id)


INSERT = {None: "\n  no_such_option: 1", " {": "no_such_option: 1, "}

FORBIDDEN = (
    "file:///etc/passwd",
    "/etc/passwd",
    "http://127.0.0.1/a",
    "http://localhost:8080/a",
    "http://10.0.0.1/a",
    "http://[::1]/a",
    "http://169.254.169.254/latest/meta-data",
    "https://elsewhere.example.org/a",
    "ftp://earthquake.usgs.gov/a",
    "s3://bucket/a",
)


@PROTOCOL
@pytest.mark.parametrize("href", FORBIDDEN)
def test_an_address_out_of_a_payload_opens_only_the_feed_s_own_hosts(protocol, href, mirror):  # noqa: F811
    granule, _ = granules(protocol, samples(protocol)[0])[0]
    source = feed(protocol)
    with pytest.raises((FeedRefused, FeedUnavailable)) as caught:
        source.fetch(replace(granule, href=href))
    own = re.sub(r"^https?://([^/]*).*", r"\1", source.url)
    assert caught.type is FeedRefused or all(path.startswith(f"/{own}/") for path in mirror.asked)


@pytest.mark.parametrize("href", FORBIDDEN)
def test_an_asset_that_points_elsewhere_is_refused_before_it_is_opened(href):
    ((granule, data),) = granules("stac", put(SCENE, "assets", "vv", "href", to=href))
    with pytest.raises(FeedRefused, match=r"scheme|host|public|path"):
        feed("stac").decode(data, granule)
