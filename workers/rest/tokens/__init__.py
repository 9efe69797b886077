"""Access tokens: a stored credential goes in, the bearer token that is sent in its place comes out.

`keyfiles` reads the credential → `grants` makes the form of the exchange → `exchange` asks the token endpoint under
the same egress policy and bounds as any page → `verdict` says what the answer means → `held` keeps tokens for their
life → `rotation` does what a refresh token needs beside. `tokens` puts them together.

Decision: a refresh token is exchanged by one replica at a time, which reads the stored credential again when its turn
comes, stores a new refresh token before the access token that came with it is used, and is not cut short by a step that
is cancelled. Context: a server that rotates refresh tokens forgets the old one, and may revoke all when it sees it
again. Price: a fleet-wide lock for the moment of a refresh; what a process that is killed between the answer and the
store had received is lost, and the credential has to be stored again.
"""

from workers.rest.tokens.keyfiles import project_of
from workers.rest.tokens.tokens import Access, Tokens

__all__ = ["Access", "Tokens", "project_of"]
