"""How a study was run, as far as its statements depend on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Circumstances:
    """How a study was run, as far as its statements depend on it.

    `look` counts the answers about families, this one included; `is_sequential` says that the study was to go on until it is decided
    (`repeats: up to N`). `open_repeats` have begun and are not whole. With `one_validation_split` all searches chose by the same images.
    With `tuned_per_family` each family's networks were trained with a recipe of their own.
    """

    look: int = 1
    is_sequential: bool = False
    open_repeats: tuple[int, ...] = ()
    one_validation_split: bool = False
    tuned_per_family: bool = False

    def compute_level(self, level: float) -> float:
        """Return the level of this look, of a study whose answer has `level`.

        Look k of a sequential study may be wrong in (1 - level) / 2^k, which sums up to 1 - level over all looks. A study that is extended
        after its answer has spent 1 - level at the first look; its later looks have the same small shares. With equal shares,
        (1 - level) / looks, one of four looks was wrong in 8.4 % of simulated studies.
        """
        is_planned = self.is_sequential or self.look > 1
        return 1 - (1 - level) / (2**self.look if is_planned else 1)
