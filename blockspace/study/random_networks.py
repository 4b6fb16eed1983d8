"""Random networks: drawn from each family within the budgets, never trained in the search, and trained beside the finalists.

They show what the average network of the space reaches under the finals' protocol. Draws are independent and with replacement; each is a
function of the study's seed, the family and the draw's number. What was drawn and measured is kept in `random_networks.json`, so that a
resumed study and a report have the same networks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from blockspace.costs import compute_violation
from blockspace.errors import BlockspaceError, Mistake, StorageError
from blockspace.files import read_json, write_atomic
from blockspace.records import Assignment, Listener, RandomNetworkMeasured, RunDir, Warned, folder_name
from blockspace.searching import Candidate, derive_seed
from blockspace.study.resolve import ResolvedStudy
from blockspace.study.study_file import StudyFile

FORMAT = "blockspace/random/1"
DRAWS = 200  # at most, for one network
MOST_LABEL = 48  # characters of a label in a folder's name, which `.random-K` follows

Measure = Callable[[Candidate], Mapping[str, float]]


@dataclass(frozen=True)
class RandomNetwork:
    """A random network of a family within the counted budgets: `index` is its place among the family's, `draw` the number of its draw.

    `per` is the hole whose choice is the family. `measured` is the latency as a ratio to the baseline's; a network outside its limits is
    kept as not `is_taken`, so that it is not measured again.
    """

    name: str
    family: str
    index: int
    draw: int
    params: Assignment
    key: str
    costs: dict[str, int]
    per: str | None = None
    measured: dict[str, float] = field(default_factory=dict)
    is_taken: bool = True


class RandomDrawer:
    """Draws the random networks of a study. `known` are those of earlier starts, by (family, index, draw)."""

    def __init__(self, resolved: ResolvedStudy, measure: Measure | None, emit: Listener):
        self.resolved, self.measure, self.emit = resolved, measure, emit
        self.run = RunDir(resolved.study.folder).absolute()
        self.known = {(one.family, one.index, one.draw): one for one in read_random_networks(self.run)}

    def draw_all(self) -> list[RandomNetwork]:
        """Return `finalists.random` networks of each family, fewer where draws within the budgets are too rare. Raises StorageError."""
        wanted, found = self.resolved.options.finalists.random, list[RandomNetwork]()
        for fixed in self.resolved.budgeted_space.families() if wanted else ():
            family = self.resolved.name_choices(fixed)
            for index in range(wanted):
                network = self.draw_network(family, fixed, index)
                if network is None:  # and no other index is likely to find one
                    break
                found.append(network)
        return found

    def draw_network(self, family: str, fixed: Assignment, index: int) -> RandomNetwork | None:
        """Return the first draw that is within every budget; None where none of `DRAWS` is."""
        for draw in range(DRAWS):
            network = self.known.get((family, index, draw)) or self.make_network(family, fixed, index, draw)
            if network is not None and network.is_taken:
                return network
        return None

    def make_network(self, family: str, fixed: Assignment, index: int, draw: int) -> RandomNetwork | None:
        """Return a draw and keep it; None where it cannot be built or is outside a counted budget."""
        seed = derive_seed("random network", self.resolved.options.search.seed, family, index, draw)
        try:
            candidate = self.resolved.candidate(self.resolved.space.random(seed, fixed))
        except BlockspaceError:  # a combination that the space refuses
            return None
        if any(violation > 0 for violation in candidate.violations.values()):
            return None
        name = self.name_network(candidate.label, index)
        try:
            measured = dict(self.measure(candidate)) if self.measure else {}
        except BlockspaceError as reason:  # not kept: the next start tries again
            self.emit(Warned(f"{name}: {str(reason).splitlines()[0]}; another network is drawn"))
            return None
        if measured:
            self.emit(RandomNetworkMeasured(name, measured))
        limits = self.resolved.limits
        outside = [kind for kind in limits if kind in measured and compute_violation(measured[kind], *limits[kind]) > 0]
        network = RandomNetwork(
            name, family, index, draw, candidate.assignment, candidate.key, candidate.costs, self.resolved.per, measured, not outside
        )  # fmt: skip
        self.known[family, index, draw] = network
        write_random_networks(self.run, list(self.known.values()))
        return network

    def name_network(self, label: str, index: int) -> str:
        """Return the name of a network's folder: `hs-s5-b16.random-0`, or with a number where two families begin a long label alike."""
        name, taken = f"{folder_name(label)[:MOST_LABEL]}.random-{index}", {one.name for one in self.known.values() if one.is_taken}
        return f"{name}.{len(taken)}" if name in taken else name


def select_random_networks(run: RunDir, options: StudyFile) -> list[RandomNetwork]:
    """Return the random networks that a study has, as its run directory keeps them, by family and index.

    A run directory may hold more: of an earlier start with more of them, or with other families. Raises StorageError (E-STORE).
    """
    per = options.finalists.per or (options.compare.by if options.compare else None)
    known = [one for one in read_random_networks(run) if one.is_taken and one.index < options.finalists.random]
    own = [one for one in known if per is None or one.per == per]
    families = list(dict.fromkeys(one.family for one in own))
    return sorted(own, key=lambda one: (families.index(one.family), one.index))


def read_random_networks(run: RunDir) -> list[RandomNetwork]:
    """Return what was drawn for a study, in the order of drawing; none where there is no file. Raises StorageError (E-STORE)."""
    path = run.random_networks
    try:
        content = read_json(path)
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}, expected {FORMAT!r}")
        return [read_network(one) for one in content["networks"]]
    except FileNotFoundError:
        return []
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as reason:
        text = (str(reason).splitlines() or [type(reason).__name__])[0]
        help = "delete it and run the same command again: the same networks are drawn, and latencies measured anew"
        raise StorageError(Mistake("E-STORE", f"{path}: damaged ({text})", help=help), path=str(path)) from reason


def read_network(content: Any) -> RandomNetwork:
    """Return a network as it was stored. Raises TypeError, ValueError or AttributeError for anything else."""
    network = RandomNetwork(**content)
    numbers = [*network.costs.values(), *network.measured.values()]
    if network.name != folder_name(network.name) or network.index < 0 or not all(map(isfinite, numbers)):
        raise ValueError(f"the network {network.name!r}")
    return network


def write_random_networks(run: RunDir, networks: list[RandomNetwork]) -> None:
    """Keep what was drawn. Raises StorageError."""
    content = {"format": FORMAT, "networks": [asdict(one) for one in networks]}
    write_atomic(run.random_networks, json.dumps(content, indent=1) + "\n")
