"""Airflow alone, on the port that the command line names, until it is ended."""

import os
import sys
from pathlib import Path
from time import sleep

from pipeline import local

home, dags = Path(os.environ["AIRFLOW_HOME"]), Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
with local.airflow(home, dags, int(sys.argv[1]), {"HAZMON_EXERCISE": "a test"}):
    sleep(60)
