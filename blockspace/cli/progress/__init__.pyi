from .epoch_progress import EpochProgress as EpochProgress
from .listener import Progress as Progress
