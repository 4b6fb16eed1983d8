from .curves import curves as curves
from .distribution import distribution as distribution
from .front import axes_of as axes_of
from .front import front as front
from .intervals import intervals as intervals
from .marks import KINDS as KINDS
from .marks import mark as mark
