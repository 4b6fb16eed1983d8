from .given import absent as absent
from .given import outside as outside
from .given import unknown as unknown
from .holes import (
    Hole as Hole,
)
from .holes import (
    Holes as Holes,
)
from .holes import (
    Options as Options,
)
from .holes import (
    Range as Range,
)
from .holes import (
    Unknown as Unknown,
)
from .holes import (
    domain as domain,
)
from .holes import (
    spelled as spelled,
)
from .library import families as families
from .library import files as files
from .library import find as find
from .library import names as names
from .load import load as load
from .load import path_of as path_of
from .load import unchecked as unchecked
from .probe import Asked as Asked
from .probe import Place as Place
from .probe import Probe as Probe
from .probe import Refuted as Refuted
from .probe import Wanted as Wanted
from .probe import places as places
from .probe import used as used
from .reading import words as words
from .reading.origin import LIBRARIES as LIBRARIES
from .reading.origin import Published as Published
from .reading.origin import published as published
from .reading.origin import reference_pattern as reference_pattern
from .settled import settled as settled
from .template import Block as Block
from .template import Network as Network
from .values.expr import number as number
