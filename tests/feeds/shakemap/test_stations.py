"""Stations and felt reports: every imperfection by name, recorded files with the right counts, no cut passing for the whole."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from pipeline import units
from pipeline.errors import FeedMalformed
from pipeline.feeds.shakemap import decode_stations, dyfi, station_csv, stationlist, stationlist_xml
from pipeline.feeds.shakemap.amplitudes import OUTLIER_FLAGS, Observation, greatest, horizontals, measure, observe
from tests.feeds.shakemap.cuts import cut_everywhere


def amplitude(name: str, value: object, flag: str = "0", units: str = "%g", **more: object) -> dict[str, object]:
    return {"name": name, "value": value, "units": units, "flag": flag, **more}


def channel(name: str, *amplitudes: dict[str, object]) -> dict[str, object]:
    return {"name": name, "amplitudes": list(amplitudes)}


def instrument(id: str, *channels: dict[str, object], **more: object) -> dict[str, Any]:
    network, code = id.split(".")
    properties = {"code": code, "network": network, "name": "Somewhere", "channels": list(channels), **more}
    return {"type": "Feature", "id": id, "properties": properties, "geometry": {"type": "Point", "coordinates": [78.5, 41.2]}}


def listed(*features: dict[str, Any], **more: object) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features), **more}).encode()


def only(data: bytes, **options: Any) -> xr.Dataset:
    dataset = decode_stations(data, "stationlist.json", **options)
    assert dataset.sizes["station"] == 1
    return dataset.isel(station=0)


THREE = (
    channel("HNE", amplitude("pga", 10.0), amplitude("pgv", 4.0, units="cm/s"), amplitude("psa03", 21.0)),
    channel("HNN", amplitude("pga", 12.0), amplitude("pgv", 3.0, units="cm/s"), amplitude("psa03", 19.0)),
    channel("HNZ", amplitude("pga", 90.0), amplitude("pgv", 9.0, units="cm/s"), amplitude("psa03", 99.0)),
)


def test_the_greater_of_two_horizontals_is_taken_and_the_vertical_left_out() -> None:
    station = only(listed(instrument("KZ.KNDC", *THREE)))
    assert (float(station.pga), float(station.pgv), float(station.sa_0p3)) == (0.12, 4.0, 0.21)
    assert (float(station.pga_std), str(station.flag.values), int(station.kind)) == (0.0, "", 0)
    assert station.attrs == {"featureType": "point", "component": "GREATER_OF_TWO_HORIZONTAL"}


def test_units_and_labels_are_those_of_a_layer_s_input() -> None:
    dataset = decode_stations(listed(instrument("KZ.KNDC", *THREE)), "list")
    assert float(units.require(dataset.pga, "m s-2")[0]) == pytest.approx(0.12 * 9.80665, rel=1e-12)
    assert float(units.require(dataset.pgv, "m s-1")[0]) == pytest.approx(0.04)
    assert dataset.kind.dtype == "uint8"
    assert dataset.longitude.attrs["standard_name"] == "longitude"


@pytest.mark.parametrize("flag", ["M", "T", "I", "G", "G,I", "Outlier,0,Outlier", "Glitch,0", "ManuallyFlagged"])
def test_a_flagged_channel_is_left_out_and_the_other_one_stays(flag: str) -> None:
    loud = channel("HNE", amplitude("pga", 50.0, flag))
    assert float(only(listed(instrument("KZ.KNDC", loud, *THREE[1:]))).pga) == 0.12
    alone = only(listed(instrument("KZ.KNDC", loud)))
    assert math.isnan(float(alone.pga))
    assert str(alone.flag.values) == ",".join(part for part in dict.fromkeys(flag.split(",")) if part != "0")


def test_another_model_s_outliers_may_be_kept() -> None:
    loud = channel("HNE", amplitude("pga", 50.0, "Outlier,0,Outlier"))
    assert float(only(listed(instrument("KZ.KNDC", loud)), disregard=OUTLIER_FLAGS).pga) == 0.5
    manual = channel("HNE", amplitude("pga", 50.0, "Outlier,ManuallyFlagged"))
    assert str(only(listed(instrument("KZ.KNDC", manual)), disregard=OUTLIER_FLAGS).flag.values) == "ManuallyFlagged"


def test_a_measure_flagged_alone_says_so_and_the_station_stays_usable() -> None:
    mixed = channel("HNE", amplitude("pga", 50.0, "T"), amplitude("pgv", 4.0, units="cm/s"))
    station = only(listed(instrument("KZ.KNDC", mixed)))
    assert (str(station.flag.values), str(station.pga_flag.values), float(station.pgv)) == ("", "T", 4.0)
    assert math.isnan(float(station.pga))


@pytest.mark.parametrize("value", [None, "null", "NULL", "--", "", "nan", 0.0, -1.0])
def test_null_and_what_is_no_peak_are_not_observed(value: object) -> None:
    station = only(listed(instrument("KZ.KNDC", channel("HNE", amplitude("pga", value)))))
    assert math.isnan(float(station.pga))
    assert math.isnan(float(station.pga_std))
    assert str(station.flag.values) != ""


@pytest.mark.parametrize(
    ("units", "value", "found"),
    [("%g", 10.0, 0.1), ("g", 0.1, 0.1), ("cm/s^2", 98.0665, 0.1), ("m/s^2", 0.980665, 0.1), ("ln(g)", math.log(0.1), 0.1)],
)
def test_accelerations_come_in_g(units: str, value: float, found: float) -> None:
    station = only(listed(instrument("KZ.KNDC", channel("HNE", amplitude("pga", value, units=units, ln_sigma=0.2)))))
    assert (float(station.pga), float(station.pga_std)) == (pytest.approx(found), 0.2)


def test_a_peak_beyond_any_recorded_is_flagged_and_nothing_overflows() -> None:
    for value, unit in ((1e308, "%g"), (900.0, "ln(g)"), (-1e9, "ln(g)")):
        assert observe("pga", value, unit, "here").flag == "implausible"


@pytest.mark.parametrize(("name", "unit"), [("pga", "cm/s"), ("pgv", "%g"), ("pga", "furlong"), ("sa(1.0)", 7)])
def test_a_unit_of_another_quantity_is_refused_naming_the_field(name: str, unit: str) -> None:
    with pytest.raises(FeedMalformed, match=r"stationlist\.json#0: HNE: .*units"):
        only(listed(instrument("KZ.KNDC", channel("HNE", amplitude(name, 1.0, units=unit)))))


@pytest.mark.parametrize(
    ("names", "level"),
    [
        (["HHE", "HHN", "HHZ"], [True, True, False]),
        (["--.HN1", "--.HN2", "--.HNZ"], [True, True, False]),
        (["HN2", "HN3", "HNZ"], [None, None, False]),
        (["HN1", "HN2"], [None, None]),
        (["UNK"], [True]),
        (["H1", "H2", "Z"], [True, True, False]),
        (["HNU", "HNV"], [None, None]),
        (["Somewhere"], [True]),
        ([""], [None]),
    ],
)
def test_orientation_is_told_as_shakemap_tells_it(names: list[str], level: list[bool | None]) -> None:
    assert horizontals(names, "Somewhere") == level


def test_channels_of_unknown_orientation_are_left_out_and_named() -> None:
    station = only(listed(instrument("KZ.KNDC", channel("HN2", amplitude("pga", 5.0)), channel("HN3", amplitude("pga", 6.0)))))
    assert str(station.flag.values) == "UnknownOrientation"
    vertical = only(listed(instrument("KZ.KNDC", channel("HHZ", amplitude("pga", 5.0)))))
    assert str(vertical.flag.values) == "NoHorizontalComponent"


def test_a_rotated_component_is_read_when_asked_for_and_never_else() -> None:
    rotated = channel("RotD50", amplitude("pga", 70.0))
    data = listed(instrument("KZ.KNDC", *THREE, rotated))
    assert float(only(data).pga) == 0.12
    asked = stationlist.decode(data, "list", component="RotD50")
    assert (float(asked.pga[0]), asked.attrs["component"]) == (pytest.approx(0.7), "RotD50")


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("pga", "pga"),
        ("acc", "pga"),
        ("VEL", "pgv"),
        ("psa03", "sa_0p3"),
        ("psa30", "sa_3p0"),
        ("psa100", "sa_10p0"),
        ("psa3p0", "sa_3p0"),
        ("psa2.5", "sa_2p5"),
        ("sa(0.3)", "sa_0p3"),
        ("SA(1.0)", "sa_1p0"),
        ("sa_0p75", "sa_0p75"),
        ("arias", None),
        ("sa(x)", None),
    ],
)
def test_measures_have_one_name(name: str, variable: str | None) -> None:
    assert measure(name) == variable


def test_what_was_converted_is_never_taken_for_observed() -> None:
    felt = instrument("DYFI.UTM:(43T 1)", channel("DERIVED", amplitude("pga", 9.0)), intensity=5.5, intensity_stddev=0.31)
    dataset = decode_stations(listed(felt, instrument("KZ.KNDC", *THREE, intensity=6.1)), "list")
    assert dataset.kind.values.tolist() == [1, 0]
    np.testing.assert_array_equal(dataset.mmi, [5.5, math.nan])
    np.testing.assert_array_equal(dataset.mmi_std, [0.31, math.nan])
    np.testing.assert_array_equal(dataset.pga, [math.nan, 0.12])


def test_an_intensity_without_deviation_takes_shakemap_s() -> None:
    for spread in (None, "null", 0.0):
        station = only(listed(instrument("CIIM.90210", intensity=5.5, intensity_stddev=spread)))
        assert (float(station.mmi), float(station.mmi_std)) == (5.5, 0.3)


def test_few_responses_flag_a_report_and_keep_its_value() -> None:
    data = listed(instrument("DYFI.X", intensity=5.5, nresp=2))
    assert (str(only(data).flag.values), float(only(data).mmi)) == ("FewResponses", 5.5)
    assert str(only(data, least_responses=1).flag.values) == ""
    assert str(only(listed(instrument("DYFI.X", intensity=5.5, nresp="null"))).flag.values) == ""


def test_vs30_and_event_id_travel_where_they_are_said() -> None:
    data = listed(instrument("KZ.KNDC", *THREE, vs30=620.0), metadata={"eventid": "us1"})
    assert (float(only(data).vs30), only(data).attrs["eventid"]) == (620.0, "us1")
    assert math.isnan(float(only(listed(instrument("KZ.KNDC", *THREE, vs30="null"))).vs30))


@pytest.mark.parametrize("data", [b'{"type":"FeatureCollection","features":[]}', b'{"eventid":"us1","features":[]}'])
def test_no_station_is_an_answer(data: bytes) -> None:
    assert decode_stations(data, "list").sizes == {"station": 0}


def test_the_first_of_two_stations_of_one_id_counts() -> None:
    second = instrument("KZ.KNDC", channel("HNE", amplitude("pga", 80.0)))
    assert float(only(listed(instrument("KZ.KNDC", *THREE), second)).pga) == 0.12


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("geometry",), None),
        (("geometry", "coordinates"), [78.5]),
        (("geometry", "coordinates"), [78.5, 141.2]),
        (("geometry", "coordinates"), ["east", 41.2]),
        (("properties",), []),
        (("properties", "channels"), None),
        (("properties", "channels"), [5]),
        (("properties", "channels"), [{"name": "HNE"}]),
        (("properties", "channels"), [{"name": "HNE", "amplitudes": [[]]}]),
        (("properties", "channels"), [channel("HNE", amplitude("pga", "large"))]),
        (("properties", "channels"), [channel("HNE", amplitude("pga", True))]),
        (("properties", "channels"), [channel("HNE", amplitude("pga", 10**400))]),
        (("properties", "vs30"), "rock"),
        (("id",), None),
    ],
)
def test_a_broken_field_is_malformed(path: tuple[str, ...], value: object) -> None:
    feature = instrument("KZ.KNDC", *THREE)
    feature["properties"].pop("code")
    target = feature
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with pytest.raises(FeedMalformed, match=r"^list#0.*found.*expected"):
        decode_stations(listed(feature), "list")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"error":"quota"}',
        b'{"features":[{}]}',
        b'{"type":"Topology","features":[]}',
        b'{"type":"FeatureCollection","features":{}}',
        b'{"type":"FeatureCollection","features":[NaN]}',
        b'{"a":' * 100_000,
        b"<html/>",
        b"<stationlist><station code='A'/>",
        b"\xff\xfe\x00",
        bytes(100),
    ],
)
def test_what_is_no_station_list_is_malformed(data: bytes) -> None:
    with pytest.raises(FeedMalformed):
        decode_stations(data, "payload")


peaks = st.lists(
    st.tuples(
        st.sampled_from([True, False, None]),
        st.floats(1e-6, 5.0) | st.just(math.nan),
        st.sampled_from(["", "T", "G,I", "Outlier"]),
    ),
    min_size=1,
    max_size=6,
)


@given(peaks)
def test_what_is_taken_is_the_greatest_of_what_is_level_and_good(said: list[tuple[bool | None, float, str]]) -> None:
    found = greatest([(level, {"pga": Observation(value, 0.0, flag)}) for level, value, flag in said])["pga"]
    good = [value for level, value, flag in said if level and not flag and value == value]
    assert found.value == max(good) if good else math.isnan(found.value)


# XML

DTD = """<?xml version="1.0" encoding="US-ASCII" standalone="yes"?>
<!DOCTYPE shakemap-data [
<!ELEMENT shakemap-data (earthquake,stationlist)>
<!ATTLIST station source (SCSN|CGS|NSMP) 'SCSN' netid CDATA 'XX' intensity CDATA '9.9'>
<!ATTLIST acc value CDATA #REQUIRED flag CDATA 'M'>
]>
"""
STATIONS = """<shakemap-data xmlns="urn:x"><!-- a comment --><earthquake id="1"/>
<stationlist created="1">
<station code="BG.DRH" name="Hale Ranch" lat="38.8" lon="-122.9" netid="BG" intensity="3.0">
<comp name="--.CNZ"><acc value="90.0"/></comp>
<comp name="--.CNE"><acc value="10.0" flag="0"/><vel value="4.0"/><psa30 value="2.5"/><mystery value="1"/></comp>
<comp name="--.CNN"><pga value="12.0" flag="G"/><pgv value="-1.5" units="ln(cm/s)" ln_stddev="0.1"/></comp>
<comp><acc value="99"/></comp>
</station>
<station code="1" name="ZIP Code 1 (38 responses)" lat="34.2" lon="-118.2" netid="CIIM" intensity="7.4" nresp="38">
<comp name="Intensity Questionnaire"><acc value="30.4"/></comp>
</station>
<station code="2" lat="34.2" lon="-118.2" netid="DYFI" intensity="4" intensity_stddev="0.5" nresp="1"/>
<station name="without code" lat="34.2" lon="-118.2"/>
</stationlist></shakemap-data>
"""


def test_amplitudes_in_xml_are_read_by_the_same_rules() -> None:
    dataset = decode_stations((DTD + STATIONS).encode(), "dat.xml")
    assert dataset.station_id.values.tolist() == ["BG.DRH", "CIIM.1", "DYFI.2"]
    assert dataset.kind.values.tolist() == [0, 1, 1]
    first = dataset.isel(station=0)
    assert (float(first.pga), float(first.pgv), float(first.sa_3p0)) == (0.1, 4.0, 0.025)
    np.testing.assert_array_equal(dataset.mmi, [math.nan, 7.4, 4.0])
    np.testing.assert_array_equal(dataset.mmi_std, [math.nan, 0.3, 0.5])
    assert dataset.flag.values.tolist() == ["", "", "FewResponses"]
    assert dataset.responses.values.tolist() == [-1, 38, 1]


def test_logarithms_and_orientation_are_read_where_they_are_said() -> None:
    text = """<stationlist><station code="A" lat="1" lon="2" netid="N">
    <comp name="HN1" orientation="h"><pga value="-2.0" units="ln(g)" ln_stddev="0.1"/></comp>
    <comp name="HN2" orientation="v"><pga value="0" units="ln(g)"/></comp></station></stationlist>"""
    station = only(text.encode())
    assert (float(station.pga), float(station.pga_std)) == (pytest.approx(math.exp(-2.0)), 0.1)


def test_a_station_repeated_has_its_components_joined() -> None:
    one = '<station code="A" lat="1" lon="2" netid="N"><comp name="HNE"><pga value="{}"/></comp></station>'
    two = '<station code="N.A" lat="1" lon="2" netid="N"><comp name="HNN"><pga value="7"/></comp></station>'
    data = f"<stationlist>{one.format(5)}{two}</stationlist><!-- end -->".encode()
    assert float(only(data).pga) == 0.07


@pytest.mark.parametrize(
    "data",
    [
        b"<pager/>",
        (DTD + STATIONS)[:-3].encode(),
        b'<!DOCTYPE s SYSTEM "http://127.0.0.1:1/x.dtd"><stationlist/>',
        b'<!DOCTYPE s PUBLIC "-//X//Y" "x.dtd"><stationlist/>',
        b'<!DOCTYPE s [<!ENTITY x "y">]><stationlist/>',
        b'<!DOCTYPE s [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><stationlist/>',
        '<!DOCTYPE s [<!ENTITY x "y">]><stationlist/>'.encode("utf-16"),
        b"<stationlist><station code='A' netid='N' lat='here' lon='1'/></stationlist>",
        b"<stationlist><station code='A' netid='N' lat='1' lon='1'><comp name='HNE'><pga value='x'/></comp></station>"
        b"</stationlist>",
        b"<stationlist><station code='A' netid='DYFI' lat='1' lon='1' intensity='70'/></stationlist>",
        b"<stationlist>" + b"<a>" * 300,
    ],
)
def test_xml_that_is_hostile_or_broken_is_malformed(data: bytes) -> None:
    with pytest.raises(FeedMalformed):
        stationlist_xml.decode(data, "dat.xml")


# Did You Feel It?


def cell(name: str, cdi: object, nresp: object, ring: list[list[float]], **more: object) -> dict[str, Any]:
    properties = {"nresp": nresp, "name": f"{name}<br>{name}", "cdi": cdi, "dist": 10, **more}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties}


OPEN = [[78.0, 41.0], [78.2, 41.0], [78.2, 41.2], [78.0, 41.2]]


@pytest.mark.parametrize("ring", [OPEN, [*OPEN, OPEN[0]]])
def test_a_cell_lies_at_its_centre_whether_its_ring_is_closed_or_not(ring: list[list[float]]) -> None:
    station = only(listed(cell("UTM:(43T 1)", 4.2, 5, ring)))
    assert (float(station.longitude), float(station.latitude)) == (pytest.approx(78.1), pytest.approx(41.1))
    assert (str(station.station_id.values), int(station.kind), float(station.mmi)) == ("DYFI.UTM:(43T 1)", 1, 4.2)


def test_a_cell_across_the_antimeridian_lies_in_its_middle() -> None:
    ring = [[179.9, -17.0], [-179.9, -17.0], [-179.9, -16.8], [179.9, -16.8]]
    assert abs(float(only(listed(cell("A", 4.0, 5, ring))).longitude)) == pytest.approx(180.0)


@pytest.mark.parametrize(("responses", "spread"), [(1, 0.5298), (3, 0.5106), (24, 0.3820), (1000, 0.29)])
def test_more_responses_make_a_cell_more_certain(responses: int, spread: float) -> None:
    assert dyfi.deviation(responses) == pytest.approx(spread, abs=1e-4)
    assert float(only(listed(cell("A", 4.0, responses, OPEN, stddev=0.1))).mmi_std) == dyfi.deviation(responses)


def test_few_responses_flag_a_cell() -> None:
    dataset = decode_stations(listed(cell("A", 4.0, 2, OPEN), cell("B", 4.0, 3, OPEN), cell("C", None, 9, OPEN)), "geo")
    assert dataset.flag.values.tolist() == ["FewResponses", "", "NotObserved"]


CDI = b"""# Columns: Geocoded box,CDI,No. of responses,Hypocentral distance,Latitude,Longitude,Suspect?,\
Standard deviation,City,State
"UTM:(13S 026 412 10000)",2.0,4,2063,37.2419,-107.6493,0,0.330,"UTM:(13S 026 412 10000)",""
"UTM:(13S 038 399 10000)",3.1,1,1947,36.0928,-106.2774,1,0.330,"Town, with a comma",""
"""


def test_the_text_holds_the_same_cells() -> None:
    dataset = decode_stations(CDI, "cdi_geo.txt")
    assert dataset.mmi.values.tolist() == [2.0, 3.1]
    assert dataset.flag.values.tolist() == ["", "Suspect,FewResponses"]
    assert dataset.station_id.values[0] == "DYFI.UTM:(13S 026 412 10000)"
    old = CDI.replace(b"Geocoded box", b"ZIP/Location")
    assert decode_stations(old, "cdi_geo.txt").sizes["station"] == 2


@pytest.mark.parametrize(
    "data",
    [
        CDI[:-1],
        CDI.replace(b"37.2419", b"north"),
        CDI.replace(b",0,0.330", b""),
        CDI.replace(b"CDI", b"ABC"),
        CDI.replace(b"2.0,4", b"20,4"),
        CDI[:60],
        CDI.replace(b'"Town', b'"To"wn'),
    ],
)
def test_a_broken_text_of_cells_is_malformed(data: bytes) -> None:
    with pytest.raises(FeedMalformed):
        decode_stations(data, "cdi_geo.txt")


@pytest.mark.parametrize(
    "broken",
    [
        cell("", 4.0, 5, OPEN),
        cell("A", "strong", 5, OPEN),
        cell("A", 4.0, -7, OPEN),
        cell("A", 4.0, 5, OPEN[:2]),
        cell("A", 4.0, 5, [[1.0], [2.0], [3.0]]),
        {"type": "Feature", "geometry": None, "properties": {"cdi": 4.0}},
    ],
)
def test_a_broken_cell_is_malformed(broken: dict[str, Any]) -> None:
    with pytest.raises(FeedMalformed, match="geo#0"):
        decode_stations(listed(broken), "geo")


# The table of a ministry

TABLE = """# strong motion of 22 January 2024
station_id,longitude,latitude,pga[%g],pga_std,pgv [cm/s],sa_0p3[m/s^2],mmi,nresp,vs30,flag,name
KZ.KNDC,76.966,43.217,2.41,0.1,1.9,0.980665,,,760,,"Almaty, centre"
KZ.MDO,77.0,43.2,--,,null,,,,,,
KZ.BAD,77.1,43.2,9.0,,9.0,,,,,M,
MY.1,77.2,43.3,,,,,5.5,12,,,School
"""


def test_a_table_is_read_by_the_units_in_its_header() -> None:
    dataset = decode_stations(TABLE.encode(), "stations.csv")
    assert dataset.kind.values.tolist() == [0, 0, 0, 1]
    assert dataset.flag.values.tolist() == ["", "NoHorizontalComponent", "M", ""]
    first = dataset.isel(station=0)
    assert (float(first.pga), float(first.pga_std), float(first.pgv)) == (pytest.approx(0.0241), 0.1, 1.9)
    assert (float(first.sa_0p3), float(first.vs30), str(first.name.values)) == (pytest.approx(0.1), 760.0, "Almaty, centre")
    assert (float(dataset.mmi[3]), float(dataset.mmi_std[3]), int(dataset.responses[3])) == (5.5, 0.3, 12)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pga[%g]", "pga"),
        ("pga[%g]", "pga[cm/s]"),
        ("pga[%g]", "pgx[%g]"),
        ("longitude,", "x,"),
        ("pga_std", "pga[g]"),
        ("43.217", "143.217"),
        ("2.41", "strong"),
        ("KZ.KNDC", ""),
        (",,760", ",760"),
        ("School\n", "School"),
        ('centre"', 'cen"tre"'),
        (",5.5,", ",55,"),
    ],
)
def test_a_broken_table_is_malformed_naming_the_place(old: str, new: str) -> None:
    with pytest.raises(FeedMalformed, match=r"stations\.csv.*found.*expected"):
        station_csv.decode(TABLE.replace(old, new, 1).encode(), "stations.csv")


# Cuts and recorded files


@pytest.mark.parametrize(
    ("data", "dim"),
    [
        (listed(instrument("KZ.KNDC", *THREE), instrument("DYFI.X", intensity=5.5)), ""),
        ((DTD + STATIONS).encode(), ""),
        (listed(cell("A", 4.0, 5, OPEN), cell("B", 4.0, 5, OPEN)), ""),
        (CDI, "station"),
        (TABLE.encode(), "station"),
    ],
    ids=["stationlist", "xml", "dyfi", "cdi", "csv"],
)
def test_a_cut_never_passes_for_the_whole(data: bytes, dim: str) -> None:
    cut_everywhere(lambda part: decode_stations(part, "payload"), data, dim=dim)


RECORDED = {
    "feeds/usgs_shakemap_stationlist_empty_us10007uph.json": (0, 0),
    "feeds/usgs_shakemap_stationlist_nc72852151_v3schema.json": (398, 0),
    "feeds/usgs_shakemap_atlas_us10008e3k/stationlist.json": (0, 60),
    "shakemap_cases/napa/expected/stationlist.json.gz": (334, 0),
    "shakemap_cases/norcia/expected/stationlist.json.gz": (88, 59),
    "shakemap_cases/norcia/inputs/stationlist.json": (302, 81),
    "shakemap_cases/northridge/expected/stationlist.json.gz": (185, 535),
    "shakemap_cases/wushi/expected/stationlist.json.gz": (0, 0),
    "shakemap_cases/published_norcia/stationlist.json": (302, 81),
    "feeds/usgs_dyfi_cdi_geo_se60247871.txt": (0, 1414),
    "feeds/usgs_dyfi_geo_10km_nc72282711_napa.geojson": (0, 366),
    "feeds/usgs_dyfi_geo_10km_se60247871.geojson": (0, 1414),
    "shakemap_cases/napa/inputs/event_dat.xml": (334, 0),
    "shakemap_cases/northridge/inputs/dyfi_dat.xml": (0, 547),
    "shakemap_cases/northridge/inputs/hist_dat.xml": (185, 0),
}
"""Instruments and felt reports in each recorded file."""


def read(reference: Path, name: str) -> bytes:
    data = (reference / "seismic" / name).read_bytes()
    return gzip.decompress(data) if name.endswith(".gz") else data


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_files_are_read_with_the_right_counts(reference: Path, name: str) -> None:
    kind = decode_stations(read(reference, name), name).kind.values
    assert (int((kind == 0).sum()), int((kind == 1).sum())) == RECORDED[name]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_files_cut_anywhere_never_pass_for_whole(reference: Path, name: str) -> None:
    dim = "station" if name.endswith(".txt") else ""
    cut_everywhere(lambda part: decode_stations(part, name), read(reference, name), dim=dim)


@pytest.mark.parametrize("name", [name for name in RECORDED if "stationlist" in name and "v3" not in name])
def test_the_greatest_horizontal_is_the_one_shakemap_took(reference: Path, name: str) -> None:
    """Version 4 writes PGA and PGV of the station as a whole: exactly the same stations, exactly the same numbers."""
    data = read(reference, name)
    dataset = decode_stations(data, name)
    properties = [feature["properties"] for feature in json.loads(data)["features"]]
    for measure_name, scale in (("pga", 0.01), ("pgv", 1.0)):
        if measure_name not in dataset:
            continue
        theirs = [math.nan if p[measure_name] == "null" or p["channels"] == [] else p[measure_name] * scale for p in properties]
        np.testing.assert_array_equal(dataset[measure_name], theirs)


def test_cells_as_text_and_as_geojson_are_the_same(reference: Path) -> None:
    text = decode_stations(read(reference, "feeds/usgs_dyfi_cdi_geo_se60247871.txt"), "txt").to_dataframe()
    cells = decode_stations(read(reference, "feeds/usgs_dyfi_geo_10km_se60247871.geojson"), "geo").to_dataframe()
    both = text.set_index("station_id").join(cells.set_index("station_id"), suffixes=("", "_cells"))
    assert len(both) == 1414
    assert (both.mmi - both.mmi_cells).abs().max() < 0.05
    assert (both.responses == both.responses_cells).all()
    assert (both.latitude - both.latitude_cells).abs().max() < 2e-4
    assert (both.longitude - both.longitude_cells).abs().max() < 2e-4
