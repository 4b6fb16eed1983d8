from .curves import draw_curves as draw_curves
from .distribution import draw_distribution as draw_distribution
from .front import choose_front_axes as choose_front_axes, draw_front as draw_front
from .intervals import draw_intervals as draw_intervals
from .plot import MARK_KINDS as MARK_KINDS, draw_mark as draw_mark
from .study_curves import (
    draw_best_so_far as draw_best_so_far,
    draw_edf as draw_edf,
    draw_expected_best as draw_expected_best,
    list_whole_repeats as list_whole_repeats,
)
