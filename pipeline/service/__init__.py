"""The HTTP door: reads what was published, computes no hazard."""

import warnings

# stac-fastapi 6.3 names a class of FastAPI that will go away; whoever runs the service can do nothing about it.
warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")
