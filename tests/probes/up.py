"""`hazmon up --once` with the scenario and on the ports that the command line names."""

import sys

from pipeline.exercise import up

up.SCENARIOS = (sys.argv[1],)
sys.exit(not up.exercises(int(sys.argv[2]), int(sys.argv[3]), once=True, say=print))
