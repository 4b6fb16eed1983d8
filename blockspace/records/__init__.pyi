from .compute_totals import (
    ComputeTotals as ComputeTotals,
    TimedEvent as TimedEvent,
    TrainingTotal as TrainingTotal,
    sum_compute as sum_compute,
)
from .event_log import (
    EventLog as EventLog,
    LastStage as LastStage,
    read_command as read_command,
    read_events as read_events,
    read_last_stage as read_last_stage,
)
from .events import (
    DataChecked as DataChecked,
    EpochEnded as EpochEnded,
    Event as Event,
    ExportStarted as ExportStarted,
    FinalistTrained as FinalistTrained,
    Listener as Listener,
    NetworkExported as NetworkExported,
    NetworkTrainingStarted as NetworkTrainingStarted,
    RandomNetworkMeasured as RandomNetworkMeasured,
    RecipeTried as RecipeTried,
    RecipeTuned as RecipeTuned,
    RecordEvent as RecordEvent,
    ResourcesSpent as ResourcesSpent,
    ResultAdopted as ResultAdopted,
    RetrainingStarted as RetrainingStarted,
    ReusePlanned as ReusePlanned,
    SearchEnded as SearchEnded,
    SearchGivenUp as SearchGivenUp,
    SearchOpened as SearchOpened,
    StopRequested as StopRequested,
    StudyFailed as StudyFailed,
    StudyFinished as StudyFinished,
    StudyRefused as StudyRefused,
    StudyStarted as StudyStarted,
    StudyStopped as StudyStopped,
    TrainingFound as TrainingFound,
    TrainingProgressed as TrainingProgressed,
    TrainingRequeued as TrainingRequeued,
    TrainingRetried as TrainingRetried,
    TrainingStarted as TrainingStarted,
    TrialDuplicated as TrialDuplicated,
    TrialFinished as TrialFinished,
    TrialMeasured as TrialMeasured,
    TrialProposed as TrialProposed,
    TrialRefused as TrialRefused,
    TuningStarted as TuningStarted,
    Warned as Warned,
    ignore_event as ignore_event,
)
from .facts import TrainingFacts as TrainingFacts, read_facts_file as read_facts_file
from .pareto import (
    first_is_reference as first_is_reference,
    pareto_front as pareto_front,
    select_best as select_best,
    select_best_of_repeats as select_best_of_repeats,
)
from .run_environment import (
    RunEnvironment as RunEnvironment,
    read_environments as read_environments,
    write_environments as write_environments,
)
from .rundir import (
    BASELINE as BASELINE,
    TRIAL_FILES as TRIAL_FILES,
    RunDir as RunDir,
    TrainingDir as TrainingDir,
    finalist_name as finalist_name,
    folder_name as folder_name,
    read_card as read_card,
    split_run_target as split_run_target,
)
from .training_place import TrainingPlace as TrainingPlace, find_training_place as find_training_place, runs_around as runs_around
from .trial import (
    Assignment as Assignment,
    TrialRecord as TrialRecord,
    TrialState as TrialState,
    count_saved_trainings as count_saved_trainings,
    count_shared_networks as count_shared_networks,
    name_family as name_family,
)
