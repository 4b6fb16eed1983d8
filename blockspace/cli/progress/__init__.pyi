from .listener import Progress as Progress
