import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.hazards.flood_extent.thresholds import cut

CENTRES = np.arange(-30, 0, 0.5) + 0.25


def histogram(*classes, seed=1):
    """Return counts of Gaussian classes (mean, deviation, size), (1, bin)."""
    random = np.random.default_rng(seed)
    values = np.concatenate([random.normal(mean, deviation, size) for mean, deviation, size in classes])
    return np.histogram(values, np.append(CENTRES - 0.25, 0.0))[0][None]


@pytest.mark.parametrize("method", ["ki", "otsu"])
def test_equal_classes_are_cut_half_way(method):
    found = cut(histogram((-16, 0.8, 500), (-10, 0.8, 500)), CENTRES, method)
    assert found.is_bimodal[0]
    assert found.threshold[0] == pytest.approx(-13, abs=1.0)
    assert found.low_mean[0] == pytest.approx(-16, abs=0.2)
    assert found.high_mean[0] == pytest.approx(-10, abs=0.2)


def test_kittler_and_illingworth_keep_clear_of_a_wide_large_class():
    counts = histogram((-17, 0.5, 80), (-10, 1.5, 920))
    least_error, otsu = cut(counts, CENTRES, "ki").threshold[0], cut(counts, CENTRES, "otsu").threshold[0]
    assert -16 < least_error < otsu


def test_the_threshold_minimises_the_criterion_of_the_paper():
    counts = histogram((-16, 1.0, 300), (-9, 1.2, 700)).astype(float)
    costs = []
    for k in range(1, CENTRES.size):
        low, high = counts[0, :k], counts[0, k:]
        p = np.array([low.sum(), high.sum()]) / counts.sum()
        if min(p) < 0.05:
            costs.append(np.inf)
            continue
        v = [max(np.cov(c, fweights=n.astype(int), ddof=0), 0.25) for c, n in ((CENTRES[:k], low), (CENTRES[k:], high))]
        costs.append(1 + 2 * np.sum(p * np.log(np.sqrt(v))) - 2 * np.sum(p * np.log(p)))
    assert cut(counts, CENTRES, "ki").threshold[0] == pytest.approx(CENTRES[int(np.argmin(costs))] + 0.25)


@pytest.mark.parametrize("method", ["ki", "otsu"])
def test_classes_with_nothing_between_them_are_cut_in_the_middle(method):
    counts = np.zeros((1, CENTRES.size), int)
    counts[0, [20, 21, 40, 41]] = 300
    assert cut(counts, CENTRES, method).threshold[0] == pytest.approx((CENTRES[21] + CENTRES[40]) / 2, abs=0.51)


@pytest.mark.parametrize(
    "classes",
    [
        [(-10, 1.2, 1000)],
        [(-12, 1.0, 500), (-10, 1.0, 500)],
        [(-16, 0.8, 10), (-10, 0.8, 990)],
        [(-16, 0.8, 50), (-10, 0.8, 50)],
        [],
    ],
    ids=["one class", "too near", "too small a class", "too few counts", "nothing"],
)
@pytest.mark.parametrize("method", ["ki", "otsu"])
def test_tiles_without_two_clear_classes_are_not_bimodal(classes, method):
    counts = histogram(*classes) if classes else np.zeros((1, CENTRES.size), int)
    assert not cut(counts, CENTRES, method).is_bimodal[0]


def test_an_unknown_method_is_refused():
    with pytest.raises(InputError, match="median"):
        cut(histogram((-10, 1, 10)), CENTRES, "median")
