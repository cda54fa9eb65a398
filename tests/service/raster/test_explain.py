import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.service.raster.samples import LATER, Published


def explained(client: TestClient, published: Published, **query: float) -> dict:  # type: ignore[type-arg]
    answer = client.get(f"/explain/{published.items['degrees']['id']}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict = answer.json()  # type: ignore[type-arg]
    return found


def test_a_click_gives_every_value_and_what_it_answers(client: TestClient, published: Published) -> None:
    stored, transform, _ = published.values("degrees")
    lon, lat = transform @ (450.5, 600.5)
    values = {one["asset"]: one for one in explained(client, published, lon=lon, lat=lat)["values"]}
    assert list(values) == ["mmi", "deviation", "outside"]
    assert [one["answers"] for one in values.values()] == ["estimate", "uncertainty", "exclusion"]
    assert values["mmi"]["value"] == float(stored[600, 450])
    assert (values["mmi"]["unit"], values["mmi"]["precision"]) == ("1", 0.01)
    assert values["outside"]["label"] in ("inside", "too near the fault")


def test_the_exclusion_says_whether_the_method_holds(client: TestClient, published: Published) -> None:
    codes, transform, _ = published.values("degrees", "outside")
    for code, holds, words in ((0, True, "inside"), (1, False, "too near the fault")):
        row, column = (int(place[0]) for place in np.nonzero(codes == code))
        lon, lat = transform @ (column + 0.5, row + 0.5)
        mask = explained(client, published, lon=lon, lat=lat)["exclusion"]
        assert (mask["asset"], mask["without_reserve"], mask["meaning"]) == ("outside", holds, words)


@pytest.mark.parametrize(("lon", "state"), [(77.1, "unknown"), (0.0, "outside")])
def test_what_is_unknown_is_never_a_number(client: TestClient, published: Published, lon: float, state: str) -> None:
    found = explained(client, published, lon=lon, lat=41.9)
    assert [(one["value"], one["state"]) for one in found["values"]] == [(None, state)] * 3
    assert found["exclusion"]["without_reserve"] is None


def test_without_a_place_there_is_everything_but_the_values(client: TestClient, published: Published) -> None:
    found = explained(client, published)
    assert [one["value"] for one in found["values"]] == [None] * 3
    assert found["exclusion"] is None
    assert len(found["inputs"]) == 2


def test_ages_are_counted_to_the_service_s_own_time(client: TestClient, published: Published) -> None:
    found = explained(client, published)
    assert found["age"]["at"] == LATER.isoformat()
    properties = published.items["degrees"]["properties"]
    assert found["age"]["data_time"] == properties["hazmon:data_time"] == "2024-01-22T18:09:04Z"
    assert found["age"]["data_age_s"] == 4256.0
    magnitude = next(one for one in found["inputs"] if one["input"] == "magnitude")
    assert magnitude["age_s"] == 4256.0
    assert magnitude["age_at_processing_s"] == 656.0


def test_provenance_leads_down_to_the_bytes_received(client: TestClient, published: Published) -> None:
    found = explained(client, published)
    magnitude = next(one for one in found["inputs"] if one["input"] == "magnitude")
    assert magnitude["href"] == "http://testserver/files/raw/usgs_all_hour/us7000lsze/1"
    assert magnitude["synthetic"] is True
    assert client.get(magnitude["href"]).content == b"<script>alert(1)</script>"


def test_it_says_whose_it_is_and_that_it_is_an_exercise(client: TestClient, published: Published) -> None:
    found = explained(client, published)
    assert (found["attribution"], found["licence"]) == ("USGS; Wald & Allen (2007)", "CC-BY-4.0")
    assert (found["exercise"], found["synthetic"], found["deprecated"]) == (True, True, False)
    assert (found["layer"]["name"], found["layer"]["version"]) == ("shaking", "1.0.0")
    assert found["latest"] is None


@pytest.mark.parametrize("query", [{"lon": 77.0}, {"lat": 41.0}, {"lon": 77.0, "lat": 41.0, "url": "x"}])
def test_half_a_place_or_more_than_one_is_refused(
    client: TestClient, published: Published, query: dict[str, float | str]
) -> None:
    assert client.get(f"/explain/{published.items['degrees']['id']}", params=query).status_code == 400


@pytest.mark.parametrize("id", ["no-such", "..%2f..%2fledger", "%00", "x" * 513])
def test_only_public_items_are_explained(client: TestClient, id: str) -> None:
    assert client.get(f"/explain/{id}").status_code in (400, 404)
