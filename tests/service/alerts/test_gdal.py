"""GDAL, which QGIS reads with, opens the features; in a process of its own, since it does not let go of Python meanwhile."""

import json
import subprocess
import sys

import pyogrio
import pytest

from tests.service.events.serving import door_of, serving

PAGE = """
import sys, json, pyogrio
found = pyogrio.read_dataframe(sys.argv[1] + "/features/collections/alerts/items?lang=en")
print(json.dumps([len(found), found.crs.to_string(), sorted(set(found["status"]))]))
"""
LAYER = """
import sys, json, pyogrio
source = "OAPIF:" + sys.argv[1] + "/features"
layers = pyogrio.list_layers(source)[:, 0].tolist()
found = pyogrio.read_dataframe(source, layer="alerts", PAGE_SIZE=2)
near = pyogrio.read_dataframe(source, layer="alerts", bbox=(52.5, 48.0, 53.2, 48.5))
print(json.dumps([layers, len(found), int(found["active"].sum()), str(found["expires"].dtype)[:10], near["status"].tolist()]))
"""


@pytest.fixture(scope="module")
def address(home):
    with serving(door_of(home)) as address:
        yield address


def told(script, address):
    found = subprocess.run([sys.executable, "-c", script, address], capture_output=True, text=True, timeout=100)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def test_a_page_of_features_is_read_as_geojson(address):
    assert told(PAGE, address) == [4, "EPSG:4326", ["Exercise", "Test"]]


@pytest.mark.skipif("OAPIF" not in pyogrio.list_drivers(), reason="this GDAL cannot read OGC API Features")
def test_the_service_is_read_as_ogc_api_features_page_by_page(address):
    assert told(LAYER, address) == [["alerts"], 4, 2, "datetime64", ["Exercise"]]
