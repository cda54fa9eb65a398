from dataclasses import replace
from datetime import UTC, datetime

import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from pipeline.model import Event, RegionPeriod, Scene, Subject
from pipeline.products.product import Input, Product, item_id
from tests.products.samples import EVENT, ORIGIN, product

DAY = datetime(2024, 4, 5, tzinfo=UTC)


def test_the_id_reads_hazard_subject_start_digest() -> None:
    made = product(3)
    assert made.item_id == f"shaking-{EVENT}-r3-20240122T180904Z-{made.digest[:8]}"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (Scene("sentinel1_rtc", "S1A_IW/x y", DAY), "flood_extent-S1A_IW-x-y-20240405T000000Z-1a2b3c4d"),
        (RegionPeriod("kazakhstan", DAY, DAY.replace(day=6)), "flood_extent-kazakhstan-20240405T000000Z-1a2b3c4d"),
        (Event(EVENT, 2, DAY), f"flood_extent-{EVENT}-r2-20240405T000000Z-1a2b3c4d"),
    ],
)
def test_each_kind_of_subject_has_its_id(subject: Subject, expected: str) -> None:
    assert item_id("flood_extent", subject, "1a2b3c4d" * 8) == expected


def changed_input(made: Product, **changes: object) -> Product:
    return replace(made, inputs=(replace(made.inputs[0], **changes), *made.inputs[1:]))


@pytest.mark.parametrize(
    "other",
    [
        replace(product(), parameters={"near": 11.0}),
        replace(product(), geobox=GeoBox((60, 80), Affine(1 / 120, 0, 77.5, 0, -1 / 120, 42.0), "EPSG:4326")),
        replace(product(), layer=replace(product().layer, version="1.0.1")),
        product(vs30="map 2"),
        product(2),
        changed_input(product(), sha256="0" * 64),
        changed_input(product(), id="another"),
    ],
    ids=["parameter", "grid", "layer version", "static map", "revision", "checksum", "granule"],
)
def test_whatever_decides_the_pixels_changes_the_digest(other: Product) -> None:
    assert other.digest != product().digest


@pytest.mark.parametrize(
    "changes",
    [{"key": "https://elsewhere.example/x"}, {"received": ORIGIN.replace(hour=23)}, {"size": 1}, {"media_type": "text/plain"}],
)
def test_a_new_address_or_hour_of_receipt_changes_no_digest(changes: dict[str, object]) -> None:
    assert changed_input(product(), **changes).digest == product().digest


def test_the_order_of_inputs_changes_no_digest() -> None:
    made = product()
    assert replace(made, inputs=tuple(reversed(made.inputs))).digest == made.digest


def test_all_revisions_of_an_event_share_a_lineage_and_periods_do_not() -> None:
    assert product(1).lineage == product(2).lineage == f"event:{EVENT}"
    days = [RegionPeriod("kazakhstan", DAY.replace(day=day), DAY.replace(day=day + 1)) for day in (5, 6)]
    assert len({product(subject=day).lineage for day in days}) == 2


def test_what_was_made_from_generated_data_says_so() -> None:
    assert product().synthetic
    assert not replace(product(), inputs=(Input("vs30", "vs30", "vs30", "vs30", "0" * 64),)).synthetic


def test_age_and_order_leave_static_maps_out() -> None:
    made = product(4)
    late = replace(made.inputs[1], time=ORIGIN.replace(year=2025), revision=99)
    made = replace(made, inputs=(made.inputs[0], late), subject=Scene("s1", "a", DAY))
    assert made.data_time == ORIGIN
    assert made.source_revision == 4
