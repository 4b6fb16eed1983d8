from .interrupt import (
    Interrupted as Interrupted,
    handle_stop_signals as handle_stop_signals,
    ignore_signals as ignore_signals,
    raise_on_signals as raise_on_signals,
)
from .lock import StudyLock as StudyLock, find_lock_holder as find_lock_holder
from .options import (
    FailureLimits as FailureLimits,
    HoleValues as HoleValues,
    SearchOptions as SearchOptions,
    count_available_cores as count_available_cores,
)
from .plan import EXHAUSTED as EXHAUSTED, SearchPlan as SearchPlan, diff_configs as diff_configs
from .replayed_search import (
    ReplayDifference as ReplayDifference,
    find_changed_setting as find_changed_setting,
    find_other_order as find_other_order,
    replay_search as replay_search,
)
from .result_cache import ResultCache as ResultCache
from .samplers import SAMPLERS as SAMPLERS
from .scheduler import run_jobs as run_jobs
from .search_loop import make_job as make_job, optimize as optimize
from .seeds import (
    derive_repeat_seed as derive_repeat_seed,
    derive_seed as derive_seed,
    derive_training_seed as derive_training_seed,
)
from .space.budgeted_space import BudgetedSpace as BudgetedSpace
from .space.candidate import Candidate as Candidate, CandidateSpace as CandidateSpace
from .space.match import BlockMatch as BlockMatch, NearestMiss as NearestMiss, match_block as match_block
from .space.search_space import SearchSpace as SearchSpace
from .space.solve import SolvedWidths as SolvedWidths, Solver as Solver
from .space.stratify import Stratifier as Stratifier
from .storage import (
    StoredSearch as StoredSearch,
    StoredStudy as StoredStudy,
    read_stored_searches as read_stored_searches,
    read_stored_study as read_stored_study,
)
