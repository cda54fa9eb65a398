import numpy as np
import pytest

from pipeline.exercise.score import otsu_threshold, otsu_water, score

TRUTH = np.array([[1, 1, 0, 0], [1, 1, 0, 255]], dtype=np.uint8)


def test_a_perfect_map_scores_one() -> None:
    found = score(np.array([[1, 1, 0, 0], [1, 1, 0, 0]]), TRUTH)
    assert (found.iou, found.false_alarms, found.kept) == (1.0, 0.0, 1.0)


def test_misses_false_alarms_and_exclusions_are_counted_apart() -> None:
    estimate = np.array([[1, 0, 1, 0], [1, 255, 0, 1]])
    excluded = np.array([[True, False, False, False], [False] * 4])
    found = score(estimate, TRUTH, excluded)
    assert found.kept == 0.5
    assert found.iou == pytest.approx(1 / 3)
    assert found.false_alarms == pytest.approx(1 / 3)


def test_nothing_wet_and_nothing_said_is_no_number() -> None:
    empty = np.zeros((2, 2), dtype=np.uint8)
    assert np.isnan(score(empty, empty).iou)


def test_otsu_parts_two_heaps_between_them() -> None:
    values = np.concatenate([np.linspace(-18, -16, 500), np.linspace(-10, -8, 500)])
    assert -16 <= otsu_threshold(values) <= -10


def test_otsu_on_window_means_leaves_unknown_cells_unknown() -> None:
    power = np.full((20, 20), 0.1, dtype=np.float32)
    power[:, :10] = 0.02
    power[0, 0] = -32768
    water = otsu_water(power, nodata=-32768)
    assert water[0, 0] == 255
    assert (water[5:, :8] == 1).all()
    assert (water[5:, 12:] == 0).all()
