"""`hazmon up --once` with the scenario and on the port that the command line names."""

import sys

from pipeline.exercise import up

up.SCENARIOS = (sys.argv[1],)
sys.exit(not up.exercises(int(sys.argv[2]), once=True, say=print))
