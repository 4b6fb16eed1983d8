from .answer import (
    Answer as Answer,
    FamilyDifference as FamilyDifference,
    Missing as Missing,
    NetworkScore as NetworkScore,
    ScoredFinalist as ScoredFinalist,
    compare_families as compare_families,
)
from .answer_file import answer_json as answer_json, answer_table as answer_table, read_answer as read_answer
from .bootstrap import Interval as Interval, bootstrap_difference as bootstrap_difference
from .html import draw_front_png as draw_front_png, draw_front_svg as draw_front_svg, render_page as render_page, write_page as write_page
from .results_table import COLUMNS as COLUMNS, flatten_record as flatten_record, results_csv as results_csv, write_results as write_results
from .study_report import (
    Environment as Environment,
    FinalistReport as FinalistReport,
    FinalistTraining as FinalistTraining,
    SearchCounts as SearchCounts,
    StudyReport as StudyReport,
    StudyState as StudyState,
)
