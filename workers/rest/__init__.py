"""Reading any REST API: a `Read` goes in, checked pages with their receipts come out.

The way of one request: `reader` opens a session for a step → `reading` walks the pages → `authorised` finds the secret
or the access token it is exchanged for (`tokens`) → `calls` takes the rate budget, asks the circuit and retries →
`sender` adds the secret and speaks HTTP → `body` receives within bounds → `bodies` keeps it → `document` parses it
strictly, `elements` and `lines` what is long and handed on in parts → `rules` of the read and `verdict` say what an
answer means → `paging` says what is next, and `trail` whether the walk goes in circles. Places in documents are
`expressions`. What is dialled is decided by `egress` and `addresses`.
"""

from workers.rest.bodies import Shelf
from workers.rest.egress import Egress
from workers.rest.reader import RestReader
from workers.rest.timeouts import Timeouts

__all__ = ["Egress", "RestReader", "Shelf", "Timeouts"]
