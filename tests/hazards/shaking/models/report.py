"""How far every ground-motion model is from its verification tables: python -m tests.hazards.shaking.models.report."""

import os
from pathlib import Path

from tests.hazards.shaking.models.tables import TABLES, deviations, summary


def main() -> None:
    """Print one line a table; the folder is that of HAZMON_REFERENCE_DATA."""
    folder = Path(os.environ["HAZMON_REFERENCE_DATA"]) / "seismic" / "gmpe_tables"
    for table in TABLES:
        print(summary(table, deviations(table, folder)))


if __name__ == "__main__":
    main()
