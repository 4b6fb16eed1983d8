"""One thread a process: the small images of these tests are quicker so, and the suite runs two processes."""

import torch

torch.set_num_threads(1)
