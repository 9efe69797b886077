"""Keys behind the port `Keys`: Cloud KMS where the service runs for real, a key file on a laptop.

Both bind additional data to what they seal, so that a sealed value moved to another row does not open, and neither
ever falls back to plain text.
"""

from workers.adapters.kms.cloud import CloudKms
from workers.adapters.kms.local import LocalKms

__all__ = ["CloudKms", "LocalKms"]
