"""Fire weather: the Canadian Forest Fire Weather Index System, day by day, as a layer."""

from pipeline.hazards.fire_weather.declaration import fire_weather
from pipeline.hazards.fire_weather.system import COLD_START

__all__ = ["COLD_START", "fire_weather"]
