"""The whole layer against ShakeMap 4: Northridge 1994, finite rupture, with and without what was recorded and felt."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from pipeline import grid
from pipeline.feeds.shakemap import decode_rupture, decode_stations
from pipeline.hazards.shaking import shaking

NAMES = {"pga": "PGA", "pgv": "PGV", "sa_0p3": "SA(0.3)", "sa_1p0": "SA(1.0)", "sa_3p0": "SA(3.0)"}
#: Nearest to the rupture that is compared, km: distances are stored in metres.
NEAREST = 2.0


@dataclass
class Case:
    """One run of the layer on ShakeMap's own grid, every 4th cell of it, beside what ShakeMap found."""

    found: xr.Dataset
    expected: dict[str, np.ndarray]
    flags: pd.DataFrame
    bias: pd.DataFrame

    def report(self, prefix: str) -> dict[str, tuple[float, float, float]]:
        """Return by measure p99 and maximum of |delta ln| (or of intensity), and the maximum of |delta sigma|."""
        far = self.expected["dist_rrup"] > NEAREST
        rows = {}
        for name, imt in {**NAMES, "mmi": "MMI"}.items():
            value = self.found[name].values.astype(float)
            mean = value if name == "mmi" else np.log(value)
            off = np.abs(mean - self.expected[f"{prefix}{imt}_mean"])[far]
            sigma = np.abs(self.found[f"{name}_std"].values - self.expected[f"{prefix}{imt}_std"])[far]
            rows[name] = (float(np.percentile(off, 99)), float(off.max()), float(sigma.max()))
        return rows


def scalar(value: float, units: str) -> xr.DataArray:
    return xr.DataArray(value, attrs={"units": units})


@pytest.fixture(scope="module")
def folder(reference: Path) -> Path:
    return reference / "seismic" / "shakemap_cases" / "northridge"


def run(folder: Path, stations: xr.Dataset | None) -> Case:
    expected = dict(np.load(folder / "expected" / "float_grids_step4.npz"))
    west, east, south, north, dx, dy = expected["extent_xmin_xmax_ymin_ymax_dx_dy"]
    shape = (round((north - south) / dy) + 1, round((east - west) / dx) + 1)
    geobox = GeoBox(shape, Affine(dx, 0, west - dx / 2, 0, -dy, north + dy / 2), "EPSG:4326")
    vs30 = grid.on_geobox(xr.DataArray(np.full(shape, 760.0, np.float32), dims=("y", "x"), attrs={"units": "m s-1"}), geobox)
    outcome = shaking.run(
        magnitude=scalar(6.7, "1"),
        depth=scalar(18.0, "km"),
        longitude=scalar(-118.5357, "degrees_east"),
        latitude=scalar(34.213, "degrees_north"),
        rake=scalar(90.0, "degree"),
        vs30=vs30,
        rupture=decode_rupture((folder / "inputs" / "northridge_fault.txt").read_bytes(), "fault", near=(-118.5357, 34.213)),
        stations=stations,
        regimes=[{"set": "active_crustal_california"}],
    )
    every_4th = {dim: slice(None, None, 4) for dim in outcome.grid.dims}
    return Case(outcome.grid.isel(every_4th), expected, outcome.tables["stations"], outcome.tables["bias"])


@pytest.fixture(scope="module")
def alone(folder: Path) -> Case:
    return run(folder, None)


@pytest.fixture(scope="module")
def observed(folder: Path) -> Case:
    """The files ShakeMap read: the list it writes has lost the intensities that it took for outliers."""
    names = ("hist_dat.xml", "dyfi_dat.xml")
    parts = [decode_stations((folder / "inputs" / name).read_bytes(), name, least_responses=1) for name in names]
    return run(folder, xr.concat(parts, "station", join="outer", combine_attrs="drop_conflicts"))


def test_without_stations_it_is_shakemap_s_prior(alone: Case, capsys: pytest.CaptureFixture[str]) -> None:
    rows = alone.report("prior_")
    with capsys.disabled():
        print("\nwithout stations:", {name: tuple(round(v, 5) for v in row) for name, row in rows.items()})
    assert all(row[0] <= 0.01 and row[1] <= 0.03 for name, row in rows.items() if name != "mmi")
    assert rows["mmi"][0] <= 0.05
    assert max(row[2] for row in rows.values()) <= 0.02


def test_with_stations_it_is_shakemap_s_map(observed: Case, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = observed.report("")
    with capsys.disabled():
        print("\nwith stations:", {name: tuple(round(v, 5) for v in row) for name, row in rows.items()})
    assert all(row[0] <= 0.02 and row[1] <= 0.05 for name, row in rows.items() if name != "mmi")
    assert rows["mmi"][0] <= 0.05
    assert max(row[2] for row in rows.values()) <= 0.02


def test_the_bias_of_the_event_is_shakemap_s(observed: Case, folder: Path) -> None:
    info = json.loads((folder / "expected" / "info.json").read_text())
    motions = info["output"]["ground_motions"]
    own = observed.bias.set_index("measure")["bias"]
    for name, imt in {**NAMES, "mmi": "MMI"}.items():
        listed = next(value for key, value in motions.items() if key in (imt, "intensity" if imt == "MMI" else imt))
        assert own[name] == pytest.approx(float(listed["bias"]), abs=0.02), name


def test_as_many_observations_are_outliers_as_in_shakemap(observed: Case, folder: Path) -> None:
    listed = json.loads(gzip.decompress((folder / "expected" / "stationlist.json.gz").read_bytes()))
    theirs = sum("Outlier" in json.dumps(feature["properties"]) for feature in listed["features"])
    ours = observed.flags.loc[observed.flags["flag"] == "outlier", "station_id"].nunique()
    assert abs(ours - theirs) <= 1
