"""Run by the interpreter that `oracle` gives: times its four NGA-West2 models over the sites of a file.

    python oracle_ground_motion.py sites.npz measures... > result.json

Prints seconds in one array and in blocks of 20,000 sites, and the median, tau and phi of every thousandth site.
"""

import json
import sys
from time import perf_counter

import numpy as np
from openquake.hazardlib.gsim.abrahamson_2014 import AbrahamsonEtAl2014
from openquake.hazardlib.gsim.boore_2014 import BooreEtAl2014
from openquake.hazardlib.gsim.campbell_bozorgnia_2014 import CampbellBozorgnia2014
from openquake.hazardlib.gsim.chiou_youngs_2014 import ChiouYoungs2014
from openquake.hazardlib.imt import from_string

BLOCK, EVERY = 20_000, 1000


def compute(context, imts):
    """Return (model, mean total tau phi, measure, site), each model over all measures at once as OpenQuake does."""
    found = np.zeros((4, 4, len(imts), len(context)))
    for model, out in zip((AbrahamsonEtAl2014, BooreEtAl2014, CampbellBozorgnia2014, ChiouYoungs2014), found, strict=True):
        model().compute(context, imts, *out)
    return found


def main():
    """Time both ways, the first call apart."""
    sites = np.load(sys.argv[1])
    imts = [from_string(name) for name in sys.argv[2:]]
    context = np.rec.fromarrays([sites[name] for name in sites.files], names=list(sites.files))
    compute(context[:BLOCK].copy(), imts)
    began = perf_counter()
    whole = compute(context, imts)
    at_once = perf_counter() - began
    sample = np.delete(whole[..., ::EVERY], 1, axis=1)
    del whole
    began = perf_counter()
    for start in range(0, len(context), BLOCK):
        compute(context[start : start + BLOCK].copy(), imts)
    print(json.dumps({"at_once": at_once, "in_blocks": perf_counter() - began, "sample": sample.tolist()}))


if __name__ == "__main__":
    main()
