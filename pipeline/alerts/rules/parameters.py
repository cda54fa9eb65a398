"""Thresholds of the rules as configuration writes them; every model refuses unknown keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.alerts.assessment import LEVELS, Level
from pipeline.errors import ConfigError

Share = Annotated[float, Field(gt=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Exposure(_Strict):
    """What makes an earthquake reach a level."""

    mmi: float = Field(ge=1, le=12, description="Modified Mercalli intensity, at least")
    population: int = Field(0, ge=0, description="People in places that reach it, at least; 0: land alone is enough")


class MmiExposure(_Strict):
    """Thresholds of the rule `mmi_exposure`."""

    levels: dict[Level, Exposure] = Field(min_length=1, description="Level: intensity and people exposed")
    hysteresis: float = Field(0.2, ge=0, lt=2, description="An alert stays until intensity is this far below, units of MMI")
    max_unknown: Share = Field(0.5, description="Share of the grid without a value beyond which nothing is concluded")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _ascending([self.levels[level].mmi for level in LEVELS if level in self.levels])
        return self


class AreaFraction(_Strict):
    """Thresholds of the rule `area_fraction`."""

    levels: dict[Level, Share] = Field(min_length=1, description="Level: flooded share of an area's known part")
    hysteresis: float = Field(0.2, ge=0, lt=1, description="An alert stays until the share is below (1 - this) x threshold")
    max_unknown: Share = Field(0.5, description="Unknown share of an area beyond which it counts as not observed")
    variable: str = Field("flooded", description="Name of the 0/1 output that is counted")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _ascending([self.levels[level] for level in LEVELS if level in self.levels])
        return self


class DangerClass(_Strict):
    """Thresholds of the rule `danger_class`."""

    levels: dict[Level, int | str] = Field(min_length=1, description="Level: class reached, its code or its label")
    share: Share = Field(0.1, description="Share of an area's known part that must reach the class")
    hysteresis: float = Field(0.2, ge=0, lt=1, description="An alert stays until the share is below (1 - this) x share")
    max_unknown: Share = Field(0.5, description="Unknown share of an area beyond which it counts as not observed")
    variable: str = Field("danger", description="Name of the class output; codes ascend with danger")


Model = TypeVar("Model", bound=BaseModel)


def parsed(kind: type[Model], rule: str, parameters: Mapping[str, Any]) -> Model:
    """Return the parameters of a rule.

    Raises
    ------
    ConfigError
        Naming rule, field, what was found and what was expected.
    """
    try:
        return kind.model_validate(dict(parameters))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "parameters"
        raise ConfigError(f"alert rule {rule}: field {where}: {first['msg']}; found {first['input']!r}") from error


def _ascending(values: list[float]) -> None:
    if values != sorted(values):
        raise ValueError(f"thresholds {values}: expected not to fall from minor to extreme")
