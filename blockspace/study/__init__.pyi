from .contact_sheet import check_sheet_path as check_sheet_path, write_contact_sheet as write_contact_sheet
from .doctor import (
    DoctorCheck as DoctorCheck,
    diagnose as diagnose,
    preflight_target as preflight_target,
    read_data_target as read_data_target,
)
from .dry_run import draw_families as draw_families, dry_run_text as dry_run_text
from .duration import StudyTimer as StudyTimer
from .export_network import export as export
from .local_paths import list_leading as list_leading
from .power_plan import describe_power as describe_power
from .replay_run import Replay as Replay, replay as replay
from .resolve import ResolvedStudy as ResolvedStudy, resolve_study as resolve_study
from .run_reader import read_run as read_run, write_report as write_report
from .run_search import search as search
from .spread import (
    MeasuredSpread as MeasuredSpread,
    read_spread as read_spread,
    read_spread_of_reused as read_spread_of_reused,
)
from .study_file import (
    CompareOptions as CompareOptions,
    Study as Study,
    StudyFile as StudyFile,
    load_study as load_study,
)
from .study_result import StudyResult as StudyResult, format_result_json as format_result_json
from .train_config import TrainingOptions as TrainingOptions
from .train_one import Trained as Trained, evaluate as evaluate, train as train
from .training_facts import read_facts as read_facts
from .warm_start import describe_reuse as describe_reuse, read_prior_runs as read_prior_runs
