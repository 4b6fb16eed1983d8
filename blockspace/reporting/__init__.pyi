from .answer import Answer as Answer, Missing as Missing, NetworkScore as NetworkScore, ScoredFinalist as ScoredFinalist
from .answer_file import answer_json as answer_json, answer_table as answer_table, read_answer as read_answer
from .bootstrap import Interval as Interval, bootstrap_difference as bootstrap_difference
from .cheaper import (
    BoundedNetwork as BoundedNetwork,
    CheaperAnswer as CheaperAnswer,
    CostRatio as CostRatio,
    add_cheaper as add_cheaper,
    compute_pass_chance as compute_pass_chance,
    find_cheaper as find_cheaper,
)
from .checklist import ChecklistRow as ChecklistRow, fill_checklist as fill_checklist, write_checklist_text as write_checklist_text
from .circumstances import Circumstances as Circumstances
from .comparison import compare_families as compare_families
from .difference import FamilyDifference as FamilyDifference
from .groups import count_repeats as count_repeats
from .html import draw_front_png as draw_front_png, draw_front_svg as draw_front_svg, render_page as render_page, write_page as write_page
from .independent_draws import (
    ENOUGH_DRAWS as ENOUGH_DRAWS,
    IndependentDraws as IndependentDraws,
    TwoSampleTest as TwoSampleTest,
    compare_distributions as compare_distributions,
    expect_best as expect_best,
)
from .looks import Look as Look, number_look as number_look, read_looks as read_looks, record_look as record_look
from .power import (
    DifferenceVariance as DifferenceVariance,
    GivenSide as GivenSide,
    StudyDesign as StudyDesign,
    compute_power as compute_power,
    find_shown_difference as find_shown_difference,
    predict_unit_variance as predict_unit_variance,
    searches_to_show as searches_to_show,
)
from .results_table import COLUMNS as COLUMNS, flatten_record as flatten_record, results_csv as results_csv, write_results as write_results
from .sides import (
    SeedVariance as SeedVariance,
    Side as Side,
    estimate_image_variance as estimate_image_variance,
    make_drawn_side as make_drawn_side,
    make_given_side as make_given_side,
    pool_seed_variance as pool_seed_variance,
)
from .simultaneous import compare_sides as compare_sides
from .study_report import (
    Environment as Environment,
    FinalistReport as FinalistReport,
    FinalistRole as FinalistRole,
    FinalistTraining as FinalistTraining,
    SearchCounts as SearchCounts,
    SplitUse as SplitUse,
    StudyProtocol as StudyProtocol,
    StudyReport as StudyReport,
    StudyState as StudyState,
)
