"""The published verification tables of the ground-motion models: where they lie and how far a model is from them."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.hazards.shaking.models import ground_motion_model

#: What a column of a table is called as a keyword of a model.
KEYWORDS = {
    "rup_mag": "magnitude",
    "rup_rake": "rake",
    "rup_dip": "dip",
    "rup_ztor": "ztor",
    "rup_width": "width",
    "rup_hypo_depth": "hypo_depth",
    "dist_rrup": "rrup",
    "dist_rjb": "rjb",
    "dist_rx": "rx",
    "dist_ry0": "ry0",
    "dist_rhypo": "rhypo",
    "dist_rcdpp": "dpp",
    "site_vs30": "vs30",
    "site_vs30measured": "vs30measured",
    "site_z1pt0": "z1pt0",
    "site_z2pt5": "z2pt5",
    "site_backarc": "backarc",
}
#: What a table holds.
KINDS = {
    "MEAN": lambda motion: np.exp(motion.mean_ln),
    "INTER_EVENT_STDDEV": lambda motion: motion.tau,
    "INTRA_EVENT_STDDEV": lambda motion: motion.phi,
    "TOTAL_STDDEV": lambda motion: np.sqrt(motion.variance),
}


@dataclass(frozen=True)
class Table:
    """A table of one model."""

    model: str
    path: str
    at_least_pga: bool = False
    """The table lacks CY14's rule that no motion of a period to 0.3 s is less than PGA."""

    @property
    def name(self) -> str:
        return Path(self.path).stem


def _family(model, folder, *stems, **more):
    return [Table(model, f"{folder}/{stem}.csv", **more) for stem in stems]


TABLES = [
    *_family("ASK14", "ASK14", "ASK14_ResMEAN_RegCAL", "ASK14_ResStdPhi_RegCAL", "ASK14_ResStdTot_RegCAL"),
    *_family(
        *("BSSA14", "BSSA2014", "BSSA_2014_MEAN", "BSSA_2014_INTER_STD", "BSSA_2014_INTRA_STD", "BSSA_2014_TOTAL_STD"),
        *("BSSA_2014_NOSOF_MEAN", "BSSA_2014_NOSOF_INTER_STD", "BSSA_2014_NOSOF_INTRA_STD", "BSSA_2014_NOSOF_TOTAL_STD"),
    ),
    *_family("CB14", "CB14", "CB2014_MEAN", "CB2014_STD_INTER", "CB2014_STD_INTRA", "CB2014_STD_TOTAL"),
    *_family("CY14", "NGA/CY14", "CY14_INTER_EVENT_SIGMA", "CY14_INTRA_EVENT_SIGMA", "CY14_TOTAL_EVENT_SIGMA"),
    *_family(
        *("CY14", "NGA/CY14", "CY14_MEDIAN_MS_HW_NM", "CY14_MEDIAN_MS_HW_RV", "CY14_MEDIAN_MS_HW_SS", "CY14_MEDIAN_RCDPP"),
        at_least_pga=True,
    ),
    *_family(
        *("Akkar14Rjb", "AKKAR14", "AKKAR_2014_RJB_MEAN", "AKKAR_2014_RJB_STD_INTER", "AKKAR_2014_RJB_STD_INTRA"),
        "AKKAR_2014_RJB_STD_TOTAL",
    ),
    *_family("Parker20Slab", "PARKER20", "ParkerEtAl2020SSlab_MEAN"),
    *_family(
        *("Parker20Interface", "PARKER20", "ParkerEtAl2020SInter_MEAN", "ParkerEtAl2020SInter_INTER_EVENT_STDDEV"),
        *("ParkerEtAl2020SInter_INTRA_EVENT_STDDEV", "ParkerEtAl2020SInter_TOTAL_STDDEV"),
    ),
    # BCHYDRO_SSLAB_CENTRAL_STDDEV_TOTAL holds 0.74, a rounding of sqrt(0.43^2 + 0.60^2) = 0.738.
    *_family(
        *("BCHydroSlab", "BCHYDRO", "BCHYDRO_SSLAB_CENTRAL_MEAN", "BCHYDRO_SSLAB_CENTRAL_STDDEV_INTER"),
        "BCHYDRO_SSLAB_CENTRAL_STDDEV_INTRA",
    ),
]


def read(path):
    """Return the predictors by keyword, the kind of result, and the results by measure."""
    with path.open(encoding="utf-8") as lines:
        header, *rows = csv.reader(line for line in lines if not line.startswith("#"))
    columns = {name.strip(): [row[k] for row in rows] for k, name in enumerate(header) if name.strip()}
    (kind,) = set(columns.pop("result_type"))
    columns.pop("damping")
    predictors = {KEYWORDS[name]: np.array(values, float) for name, values in columns.items() if name in KEYWORDS}
    results = {measure(name): np.array(values, float) for name, values in columns.items() if name not in KEYWORDS}
    return predictors, kind, results


def measure(column):
    """Return the name of a measure from a heading."""
    return column.upper() if column.lower() in ("pga", "pgv") else f"SA({float(column):g})"


def deviations(table, folder):
    """Return the relative deviations of the model from a table, all values in one array."""
    predictors, kind, results = read(folder / table.path)
    model, found = ground_motion_model(table.model), []
    for imt, expected in results.items():
        if table.at_least_pga and 0.01 < float(imt[3:-1]) <= 0.3:
            expected = np.maximum(expected, results["SA(0.01)"])
        found.append(np.abs(KINDS[kind](model(imt, **predictors)) / expected - 1.0))
    return np.concatenate(found)


def summary(table, values):
    """Return one line about a table."""
    worst, most = values.max(), np.quantile(values, 0.99)
    return f"{table.model:18s} {table.name:42s} {values.size:7d} values, deviation max {worst:.1e}, p99 {most:.1e}"
