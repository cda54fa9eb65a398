"""One peak amplitude of one channel: its name, unit, flag and orientation as ShakeMap's files write them.

Rules of ShakeMap 4 (Worden et al. 2020, ShakeMap Manual Online, doi:10.5066/F7D21VPQ, "Input Data Formats"), written anew:

- NAMES        `pga`, `acc`; `pgv`, `vel`; `psa03`, `psa3p0`, `psa2.5`, `sa(0.3)`: `psa03` is the period 0.3 s, `psa30` 3.0 s.
- UNITS        %g and cm/s where nothing is said; also g, cm/s^2, m/s^2, m/s, ln(g), ln(cm/s).
- FLAGS        "0" and "" are good; letters of version 3 (M manual, T outlier, G glitch, I incomplete) and words of
               version 4 (ManuallyFlagged, Outlier, Glitch, IncompleteRecord, UnknownOrientation), several with commas.
- NO_VALUE     null, "null", "NULL", "--", "nan", "": there is none. Zero or less is no peak: a glitch.
- ORIENTATION  the last letter of the channel: N and E are horizontal, Z vertical; H1, H2 and UNK are horizontal; a digit
               says nothing, except in a set of three with a 1 and a Z.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.feeds.origins import malformed

#: Standard gravity, m s-2 (CGPM 1901).
GRAVITY = 9.80665
#: Flags of outliers: a judgement against a model of ground motion, which whoever has another model makes again.
OUTLIER_FLAGS = frozenset({"T", "Outlier"})
#: Peaks no accelerometer has recorded: 50 g and 50 m s-1 are far beyond 4.4 g (Iwate-Miyagi 2008) and 3.5 m s-1.
LARGEST = {"g": 50.0, "cm s-1": 5000.0}
#: UNITS: what one unit is, and whether it is its natural logarithm that is given.
_UNITS = {
    "%g": ("g", 0.01, False),
    "pctg": ("g", 0.01, False),
    "g": ("g", 1.0, False),
    **dict.fromkeys(("cm/s^2", "cm/s**2", "cm/s/s", "gal", "gals"), ("g", 0.01 / GRAVITY, False)),
    **dict.fromkeys(("m/s^2", "m/s**2", "m/s/s"), ("g", 1.0 / GRAVITY, False)),
    "ln(g)": ("g", 1.0, True),
    **dict.fromkeys(("cm/s", "cms"), ("cm s-1", 1.0, False)),
    "m/s": ("cm s-1", 100.0, False),
    "ln(cm/s)": ("cm s-1", 1.0, True),
}
_NO_VALUE = frozenset({"", "--", "null", "none", "nan"})
_PERIOD = re.compile(r"sa\((\d+(?:\.\d+)?)\)|psa(\d+[p.]\d+)|psa(\d{2,3})|sa_(\d+p\d+)")


@dataclass(frozen=True, slots=True)
class Observation:
    """One measure at one place."""

    value: float = math.nan
    """g, cm s-1 or intensity; NaN: not observed, or not usable."""
    deviation: float = math.nan
    """Standard deviation of the observation itself: of ln(value), or in intensity units; 0: exact."""
    flag: str = ""
    """Why it is not usable, in the network's words; "" where it is, or where nothing was observed."""


def measure(name: str) -> str | None:
    """Return the variable that a name means: pga, pgv, sa_0p3; None where it is no measure known here (NAMES)."""
    name = name.strip().lower()
    if name in ("pga", "acc"):
        return "pga"
    if name in ("pgv", "vel"):
        return "pgv"
    if name == "mmi":
        return "mmi"
    found = _PERIOD.fullmatch(name)
    if found is None:
        return None
    written, other, digits, ours = found.groups()
    if digits is not None:
        written = f"{digits[:-1]}.{digits[-1]}"
    return (
        "sa_"
        + f"{float((written or other or ours).replace('p', '.')):.6g}".replace(".", "p")
        + _tenth(written or other or ours)
    )


def _tenth(period: str) -> str:
    """Return what makes a whole period end in tenths: sa_3p0."""
    return "p0" if float(period.replace("p", ".")).is_integer() else ""


def observe(name: str, value: object, units: object, where: str, *, flag: object = "", deviation: object = None) -> Observation:
    """Return an observation in g or cm s-1 (UNITS, FLAGS, NO_VALUE).

    Raises
    ------
    FeedMalformed
        Where the value is no number or the unit is not one of the measure.
    """
    said = reason(flag)
    number = _number(value, where)
    kind = "cm s-1" if name == "pgv" else "g"
    text = str(units).strip().lower() if units not in (None, "") else ("cm/s" if name == "pgv" else "%g")
    unit, factor, logarithm = _UNITS.get(text, ("", 0.0, False))
    if unit != kind:
        malformed(f"{where}: units", units, f"a unit of {kind}: {sorted(u for u, known in _UNITS.items() if known[0] == kind)}")
    if math.isnan(number):
        return Observation(flag=said)
    if logarithm:
        number = math.exp(min(number, 100.0))
    elif number <= 0.0:
        return Observation(flag=said or "Glitch")
    spread = _number(deviation, f"{where}: deviation")
    if not 0.0 < number * factor <= LARGEST[unit]:
        return Observation(flag=said or "implausible")
    return Observation(number * factor, spread if spread > 0.0 else 0.0, said)


def reason(flag: object) -> str:
    """Return a flag's words, each once, without the ones that mean good (FLAGS)."""
    if flag is None or isinstance(flag, bool | dict | list):
        return ""
    return ",".join(dict.fromkeys(part.strip() for part in str(flag).split(",") if part.strip() not in ("", "0")))


def horizontals(names: Sequence[str], station_name: str = "", *, said: Mapping[str, str] | None = None) -> list[bool | None]:
    """Return for each channel of a station whether it is horizontal; None where nobody can tell (ORIENTATION).

    Parameters
    ----------
    names
        Channels, for example --.HNE, HHZ, UNK.
    station_name
        Name of the station: a lone channel of the same name is horizontal.
    said
        Orientation by channel, `h` or `v`, where the file says it.
    """
    if len(names) == 1 and names[0] == station_name:
        return [True]
    ends = [name[-1:].upper() for name in names]
    if len(names) == 3 and "1" in ends and "Z" in ends:
        return [end != "Z" for end in ends]
    return [_horizontal(name, (said or {}).get(name, "")) for name in names]


def _horizontal(name: str, said: str) -> bool | None:
    name, said = name.strip().upper(), said.strip().lower()
    end = name[-1:]
    if name in ("UNK", "DERIVED", "H1", "H2", "H") or end in ("N", "E"):
        return True
    if end == "Z":
        return False
    return {"h": True, "v": False}.get(said) if end.isdecimal() else None


def greatest(
    channels: Iterable[tuple[bool | None, Mapping[str, Observation]]], *, disregard: Collection[str] = ()
) -> dict[str, Observation]:
    """Return the greatest good horizontal observation of each measure, NaN with the reasons where there is none.

    Parameters
    ----------
    channels
        Whether it is horizontal (None: unknown, left out), and its observations by measure.
    disregard
        Flags that do not disqualify an observation, for example `OUTLIER_FLAGS`.
    """
    found: dict[str, Observation] = {}
    reasons: dict[str, list[str]] = {}
    for horizontal, observations in channels:
        for name, seen in observations.items():
            best = found.setdefault(name, Observation())
            why = [word for word in seen.flag.split(",") if word and word not in disregard]
            if not horizontal:
                why = [] if horizontal is False else ["UnknownOrientation"]
            elif not why and seen.value > (best.value if best.value == best.value else -math.inf):
                found[name] = Observation(seen.value, seen.deviation)
            reasons.setdefault(name, []).extend(why)
    return {
        name: seen if seen.value == seen.value else Observation(flag=",".join(dict.fromkeys(reasons[name])))
        for name, seen in found.items()
    }


def _number(value: object, where: str) -> float:
    """Return a number given as number or text, or NaN where there is none (NO_VALUE)."""
    if value is None or (isinstance(value, str) and value.strip().lower() in _NO_VALUE):
        return math.nan
    try:
        found = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        malformed(where, value, "a number or null")
    return found
