"""Which solutions are of one earthquake: a pure function of the set of solutions, whatever order they came in.

1. Solutions that share an id are of one event, however far apart: the agency itself says so.
2. Of what remains, solutions of different agencies are of one event where origin times are within 16 s and epicentres
   within 100 km, the window in which the USGS's own catalogue associates its contributors (ANSS Comprehensive
   Earthquake Catalog, doi:10.5066/F7MS3QZH). The closest pairs are joined first; a join needs every pair across it to
   lie in the window, so that a swarm does not chain into one event.
3. Two ids of one agency that do not name each other are two events: the agency looked at both.
4. Deleted solutions hold no place in the window: the live ones are joined first, then the deleted ones to them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import combinations

from pipeline.observations.solution import Solution, kilometres_between, rank, seconds_between

#: Largest difference of origin times, s. ANSS ComCat.
SECONDS = 16.0
#: Largest distance of epicentres, km. ANSS ComCat.
KILOMETRES = 100.0

Cluster = tuple[Solution, ...]
"""Solutions of one event, the preferred one first."""


def newest(solutions: Iterable[Solution]) -> dict[str, Solution]:
    """Return the newest revision of each agency's id."""
    found: dict[str, Solution] = {}
    for solution in solutions:
        held = found.get(solution.key)
        if held is None or solution.order > held.order:
            found[solution.key] = solution
    return found


def partition(solutions: Iterable[Solution], order: Sequence[str]) -> list[Cluster]:
    """Return the events that solutions make up, each with its preferred solution first, in order of their keys.

    Parameters
    ----------
    solutions
        In any order, any of them several times.
    order
        Agencies, most trusted first.
    """
    current = newest(solutions)
    groups = [preferred_first(group, order) for group in _by_alias(current)]
    joined = [[group] for group in groups]
    place = {group[0].key: index for index, group in enumerate(groups)}
    for one, other in _pairs(groups):
        a, b = place[one[0].key], place[other[0].key]
        if a != b and _may_join(joined[a], joined[b]):
            joined[a] += joined[b]
            for group in joined[b]:
                place[group[0].key] = a
            joined[b] = []
    clusters = [preferred_first([s for group in cluster for s in group], order) for cluster in joined if cluster]
    return sorted(clusters, key=lambda cluster: min(s.key for s in cluster))


def component(seed: Solution, solutions: Iterable[Solution]) -> list[Solution]:
    """Return the solutions that a new one can concern: linked to it by ids or by the window, over any number of steps.

    Its own former revision is among them by its id, and so is what stood around that and may fall apart now. No event
    reaches beyond, so that `partition` of a component equals the component's part of `partition` of all.
    """
    rest = list(solutions)
    by_alias: dict[str, list[Solution]] = {}
    for solution in rest:
        for alias in solution.aliases:
            by_alias.setdefault(alias, []).append(solution)
    found: dict[Solution, None] = {}
    todo = deque([seed])
    while todo:
        solution = todo.popleft()
        if solution in found:
            continue
        found[solution] = None
        todo += [other for alias in solution.aliases for other in by_alias.get(alias, [])]
        todo += [other for other in rest if _in_window(solution, other)]
    return list(found)


def preferred_first(group: Sequence[Solution], order: Sequence[str]) -> Cluster:
    """Return solutions of one event with the best first: standing, with a magnitude, most trusted agency, newest."""
    newest_first = sorted(sorted(group, key=lambda s: s.key), key=lambda s: s.order, reverse=True)
    return tuple(sorted(newest_first, key=lambda s: (not stands(s, group), s.magnitude is None, rank(s.agency, order))))


def stands(solution: Solution, among: Iterable[Solution]) -> bool:
    """Whether a solution counts: not deleted, and no newer one names it as an alias (the agency prefers another id)."""
    newer = (other for other in among if other is not solution and other.order > solution.order)
    return not solution.is_deleted and not any(solution.key in other.aliases for other in newer)


def _by_alias(current: dict[str, Solution]) -> list[list[Solution]]:
    """Return the solutions grouped by shared ids, transitively."""
    group_of: dict[str, list[Solution]] = {}
    for key in sorted(current):
        solution = current[key]
        met = {id(group_of[alias]): group_of[alias] for alias in solution.aliases if alias in group_of}
        merged = [solution, *(member for group in met.values() for member in group)]
        for member in merged:
            for alias in member.aliases:
                group_of[alias] = merged
    return list({id(group): group for group in group_of.values()}.values())


def _pairs(groups: Sequence[Cluster]) -> list[tuple[Cluster, Cluster]]:
    """Return the pairs of groups in the window, the live before the deleted, the closest first."""
    found = []
    for one, other in combinations(sorted(groups, key=lambda group: group[0].time), 2):
        if _in_window(one[0], other[0]):
            near, far = sorted((one[0].key, other[0].key))
            dead = not (stands(one[0], one) and stands(other[0], other))
            found.append(((dead, _separation(one[0], other[0]), near, far), one, other))
    return [(one, other) for _, one, other in sorted(found, key=lambda entry: entry[0])]


def _may_join(one: Sequence[Cluster], other: Sequence[Cluster]) -> bool:
    agencies = {s.agency for group in one for s in group}
    if any(s.agency in agencies for group in other for s in group):
        return False
    return all(_in_window(a[0], b[0]) for a in one for b in other)


def _in_window(one: Solution, other: Solution) -> bool:
    return seconds_between(one, other) <= SECONDS and kilometres_between(one, other) <= KILOMETRES


def _separation(one: Solution, other: Solution) -> float:
    """Return how far apart two origins are, in units of the window."""
    return (seconds_between(one, other) / SECONDS) ** 2 + (kilometres_between(one, other) / KILOMETRES) ** 2
