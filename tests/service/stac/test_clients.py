"""Clients of others walk through the API: pystac-client, GDAL over HTTP as QGIS does it, stac-api-validator."""

import io
import json
from typing import Any

import httpx
import numpy as np
import pystac_client
import pytest
import rasterio
from pystac.validation.local_validator import get_local_schema_cache
from stac_api_validator import validations
from urllib3 import HTTPResponse, HTTPSConnectionPool

from tests.service.homes import rectangle

#: Everything that the validator knows of what we say we conform to.
CLASSES = (
    "core",
    "collections",
    "features",
    "item-search",
    "item-search#filter",
    "item-search#sort",
    "item-search#fields",
    "item-search#query",
    "features#filter",
    "features#sort",
    "features#fields",
    "features#query",
)


@pytest.fixture
def client(api: httpx.Client) -> pystac_client.Client:
    return pystac_client.Client.open(f"{api.base_url}/stac")


def test_pystac_client_lists_collections(client: pystac_client.Client) -> None:
    assert {each.id for each in client.get_collections()} == {"shaking", "landslide", "fire_weather"}
    assert client.get_collection("landslide").title == "Shaking"


def test_pystac_client_pages_to_the_end(client: pystac_client.Client) -> None:
    for method in ("GET", "POST"):
        search = client.search(method=method, limit=7)
        assert len({item.id for item in search.items()}) == 40


def test_pystac_client_searches_filters_and_sorts(client: pystac_client.Client) -> None:
    asked: dict[str, Any] = {"collections": ["shaking"], "bbox": [60, 38, 90, 60], "datetime": "2024-01-22/2024-01-25"}
    by_text = client.search(filter="hazmon:magnitude >= 7", filter_lang="cql2-text", method="GET", **asked)
    node = {"op": ">=", "args": [{"property": "hazmon:magnitude"}, 7]}
    by_json = client.search(filter=node, filter_lang="cql2-json", sortby="-properties.hazmon:magnitude", **asked)
    magnitudes = [item.properties["hazmon:magnitude"] for item in by_json.items()]
    assert magnitudes == [7.5, 7.4, 7.2, 7.1]
    assert {item.id for item in by_text.items()} == {item.id for item in by_json.items()}


def test_pystac_client_reads_the_items_of_a_collection(client: pystac_client.Client) -> None:
    assert len(list(client.get_collection("landslide").get_items())) == 12


def test_a_desktop_gis_opens_the_newest_map_over_http(client: pystac_client.Client) -> None:
    """Find an Item, take the href of its estimate as it is and open it."""
    item = next(client.search(collections=["shaking"], bbox=[60, 38, 90, 60], max_items=1).items())
    href = item.assets[item.properties["hazmon:answers"]["estimate"]].href
    options = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "CPL_VSIL_CURL_USE_HEAD": "NO"}
    with rasterio.Env(**options), rasterio.open(f"/vsicurl/{href}") as source:
        assert source.crs.to_epsg() == 4326
        assert np.nanmax(source.read(1)) > 5


def test_links_lead_from_an_item_back_to_the_root(client: pystac_client.Client) -> None:
    item = next(client.search(ids=["shaking-fiji"]).items())
    assert item.get_collection().id == "shaking"
    assert item.get_root().id == "hazmon"


@pytest.fixture
def schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    """STAC's own schemas come from pystac, those of extensions allow everything: the validators would fetch both."""
    known = get_local_schema_cache()

    def local(self: HTTPSConnectionPool, method: str, url: str, **_: Any) -> HTTPResponse:
        uri = f"https://{self.host}{url}"
        schema = known.get(uri, {"$schema": "http://json-schema.org/draft-07/schema#", "$id": uri})
        return HTTPResponse(io.BytesIO(json.dumps(schema).encode()), status=200, preload_content=False)

    monkeypatch.setattr(HTTPSConnectionPool, "urlopen", local)


@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("schemas")
def test_stac_api_validator_finds_nothing_wrong(api: httpx.Client) -> None:
    query = validations.QueryConfig(
        query_comparison_field="hazmon:magnitude",
        query_eq_value=7.2,
        query_neq_value=7.2,
        query_lt_value=5.0,
        query_lte_value=5.0,
        query_gt_value=5.0,
        query_gte_value=5.0,
        query_substring_field="hazmon:review_status",
        query_starts_with_value="auto",
        query_ends_with_value="viewed",
        query_contains_value="oma",
        query_in_field="grade",
        query_in_values="A,B",
    )
    _, errors = validations.validate_api(
        root_url=f"{api.base_url}/stac",
        ccs_to_validate=list(CLASSES),
        collection="shaking",
        geometry=json.dumps(rectangle((60.0, 35.0, 90.0, 60.0))),
        auth_bearer_token=None,
        auth_query_parameter=None,
        fields_nested_property="properties.hazmon:magnitude",
        validate_pagination=True,
        query_config=query,
        transaction_collection=None,
        headers={},
    )
    assert errors.as_list() == []
