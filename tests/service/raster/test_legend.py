import io

from PIL import Image
from starlette.testclient import TestClient

from tests.service.raster.samples import Published


def test_the_legend_of_numbers_is_that_of_the_item(client: TestClient, published: Published) -> None:
    drawn = published.items["degrees"]["properties"]["renders"]["mmi"]
    legend = client.get(f"{published.url('degrees')}/legend.json").json()
    assert legend["kind"] == "ramp"
    assert [legend["range"]] == drawn["rescale"]
    assert legend["colours"] == [drawn["colormap"][str(entry)] for entry in range(256)]
    assert legend["title"] == "macroseismic intensity"
    assert legend["unit"] == "1"
    assert legend["roles"] == ["estimate"]
    assert legend["precision"] == 0.01


def test_the_legend_of_classes_names_each(client: TestClient, published: Published) -> None:
    drawn = published.items["degrees"]["properties"]["renders"]["outside"]
    legend = client.get(f"{published.url('degrees', 'outside')}/legend.json").json()
    assert legend["kind"] == "classes"
    assert {str(int(entry["value"])): entry["colour"] for entry in legend["classes"]} == drawn["colormap"]
    assert [entry["label"] for entry in legend["classes"]] == ["inside", "too near the fault"]


def test_every_legend_names_the_hatch_of_what_is_unknown(client: TestClient, published: Published) -> None:
    for asset in ("mmi", "deviation", "outside"):
        legend = client.get(f"{published.url('metres', asset)}/legend.json").json()
        assert (legend["unknown"]["label"], legend["unknown"]["pattern"]) == ("unknown", "hatch")


def test_the_legend_follows_another_range(client: TestClient, published: Published) -> None:
    legend = client.get(f"{published.url('degrees')}/legend.json?rescale=2,7&colormap_name=viridis").json()
    assert legend["range"] == [2, 7]
    assert (legend["stops"][0]["value"], legend["stops"][-1]["value"]) == (2, 7)
    assert legend["colours"][0] == "#440154"


def test_the_legend_is_a_picture_too(client: TestClient, published: Published) -> None:
    for asset in ("mmi", "outside"):
        answer = client.get(f"{published.url('degrees', asset)}/legend.png")
        assert Image.open(io.BytesIO(answer.content)).format == "PNG"
