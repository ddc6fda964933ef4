"""A thin client of a Crossfade records API.

It adds to the code that grpcio-tools writes what a careful caller of the service does by hand otherwise: :func:`connect`
makes a channel whose calls have a deadline by default and are sent again where that is safe, and :class:`Session` keeps what
one user, job or request is shown from ever being older than what it was shown before.
"""

from crossfade._channel import DEFAULT_RETRIES, DEFAULT_TIMEOUT_SECONDS, connect, tls_from_files
from crossfade._errors import error_info, outcome_unknown, reason
from crossfade._session import Consistency, Session, call_metadata

__all__ = [
    "DEFAULT_RETRIES",
    "DEFAULT_TIMEOUT_SECONDS",
    "Consistency",
    "Session",
    "call_metadata",
    "connect",
    "error_info",
    "outcome_unknown",
    "reason",
    "tls_from_files",
]
