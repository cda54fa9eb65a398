"""USGS ShakeMap's own bias and interpolation over given arrays; run by the interpreter that `oracle` gives.

    python oracle_conditioning.py ARRAYS.npz RESULT.npz

The environment holds shakemap-modules 1.1.18 (public domain); nothing of the pipeline is imported here. Prints
seconds of wall clock and of processor time.
"""

import sys
import time
from types import SimpleNamespace

import numpy as np
from esi_shakelib.correlation.loth_baker_2013 import LothBaker2013
from openquake.hazardlib import const
from shakemap_modules.coremods.model import ModelModule


def _module(arrays):
    """A model module as it stands once the station arrays are filled."""
    module = ModelModule("benchmark", process="main", logger=SimpleNamespace(debug=lambda *_: None))
    measures = [str(m) for m in arrays["measures"]]
    module.full_out_set = set(measures)
    module.imt_per_ix = {m: int(arrays[f"{m}_target"]) for m in measures}
    module.ccf = LothBaker2013(arrays["periods"])
    for m in measures:
        module.sta_per_ix[m] = arrays[f"{m}_period"]
        module.sta_lons_rad[m] = np.radians(arrays[f"{m}_longitude"])
        module.sta_lats_rad[m] = np.radians(arrays[f"{m}_latitude"])
        module.sta_resids[m] = arrays[f"{m}_residual"].reshape(-1, 1)
        module.sta_tau[m] = arrays[f"{m}_tau"].reshape(-1, 1)
        module.sta_phi[m] = arrays[f"{m}_phi"].reshape(-1, 1)
        module.sta_sig_extra[m] = arrays[f"{m}_noise"]
        module.sta_rrups[m] = arrays[f"{m}_distance"]
    module.bias_max_range, module.bias_max_mag, module.do_bias = 120.0, 7.7, True
    module.rupture_obj, module.rx = None, SimpleNamespace(mag=6.7)
    module.gmpe_total_sd_only = module.ipe_total_sd_only = False
    module.smny, module.smnx = (int(n) for n in arrays["shape"])
    module.lons_out_rad, module.lats_out_rad = (np.radians(arrays[name]) for name in ("longitude", "latitude"))
    return module, measures


def main(source, target):
    with np.load(source) as stored:
        arrays = {name: stored[name] for name in stored.files}
    module, measures = _module(arrays)
    shape = tuple(int(n) for n in arrays["shape"])
    start, start_cpu = time.perf_counter(), time.process_time()
    module._compute_bias()
    for m in measures:
        mean, tau, phi = (arrays[f"{m}_prior"][i].reshape(shape) for i in range(3))
        total = np.hypot(tau, phi)
        deviations = {const.StdDev.TOTAL: total, const.StdDev.INTER_EVENT: tau, const.StdDev.INTRA_EVENT: phi}
        module._compute_mvn(m, {"mean": mean} | deviations)
    print(time.perf_counter() - start, time.process_time() - start_cpu)
    results = {f"{m}_mean": module.outgrid[m] for m in measures} | {f"{m}_sigma": module.outsd[m] for m in measures}
    np.savez(target, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
