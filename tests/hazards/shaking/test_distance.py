"""Distance on the ellipsoid against an independent geodesic."""

import numpy as np
import pytest
from pyproj import Geod

from pipeline.hazards.shaking.distance import epicentral_distance


@pytest.mark.parametrize("origin", [(78.66, 41.26), (0.0, 0.0), (10.0, 89.0), (179.9, -45.0)])
def test_equals_the_geodesic_within_a_hundredth_of_a_percent(origin):
    generator = np.random.default_rng(20240122)
    longitude, latitude = generator.uniform(-180, 180, 5000), generator.uniform(-90, 90, 5000)
    expected = Geod(ellps="WGS84").inv(*(np.full(5000, o) for o in origin), longitude, latitude)[2] / 1000.0
    short = expected < 19_000.0
    found = epicentral_distance(longitude, latitude, origin)
    np.testing.assert_allclose(found[short], expected[short], rtol=1e-4)


def test_is_zero_at_the_epicentre_and_small_beside_it():
    found = epicentral_distance([78.66, 78.66 + 1e-6], 41.26, (78.66, 41.26))
    assert found[0] == 0.0
    assert found[1] == pytest.approx(8.4e-5, rel=0.01)


def test_longitude_may_run_on_beyond_the_antimeridian():
    np.testing.assert_allclose(
        epicentral_distance(181.0, 10.0, (-179.5, 10.0)), epicentral_distance(-179.0, 10.0, (-179.5, 10.0))
    )


def test_rows_and_columns_apart_give_the_whole_grid():
    rows, columns = np.array([[41.0], [42.0]]), np.array([[78.0, 79.0, 80.0]])
    whole = epicentral_distance(np.broadcast_to(columns, (2, 3)), np.broadcast_to(rows, (2, 3)), (78.66, 41.26))
    np.testing.assert_array_equal(epicentral_distance(columns, rows, (78.66, 41.26)), whole)
