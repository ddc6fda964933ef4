"""What the errors of a call mean."""

from __future__ import annotations

from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

_Detail = TypeVar("_Detail", bound=Message)

_STATUS = "grpc-status-details-bin"
#: How grpc begins the text of a call that never left: there was no connection to send it on, or no token to send with it.
_NEVER_SENT = (
    "failed to connect to all addresses",
    "connections to all backends failing",
    "errors resolving",
    "Getting metadata from plugin failed",
)
_ALWAYS_UNKNOWN = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
_UNKNOWN_FROM_LINKS = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.INTERNAL)


def error_info(error: grpc.RpcError) -> error_details_pb2.ErrorInfo | None:
    """The ``ErrorInfo`` of an error of the service; ``None``: the error is not of its making."""
    return detail_of(error, error_details_pb2.ErrorInfo)


def reason(error: grpc.RpcError) -> str | None:
    """Why the service refused a call, such as ``RECORD_NOT_FOUND``; ``None``: the error is not of its making.

    The reasons are those of ``crossfade.v1alpha1.ErrorReason`` without the prefix.
    """
    info = error_info(error)
    return None if info is None else info.reason


def outcome_unknown(error: grpc.RpcError) -> bool:
    """Whether a write that failed may or may not have been committed.

    Its link broke, its deadline passed or the service says so. Read before you write again.
    """
    code = error.code()
    if code in _ALWAYS_UNKNOWN:
        return True
    return code in _UNKNOWN_FROM_LINKS and reason(error) is None and not was_not_sent(error)


def was_not_sent(error: grpc.RpcError) -> bool:
    """Whether it is certain that a call has never left this process."""
    return error.code() is grpc.StatusCode.UNAVAILABLE and (error.details() or "").startswith(_NEVER_SENT)


def detail_of(error: grpc.RpcError, kind: type[_Detail]) -> _Detail | None:
    """The first detail of a kind in the error's ``google.rpc.Status``."""
    # An error of a call has its metadata; one that was raised by other code may not.
    trailing: Any = getattr(error, "trailing_metadata", lambda: None)() or ()
    packed = next((value for key, value in trailing if key == _STATUS), None)
    if not isinstance(packed, bytes):
        return None
    try:
        details = status_pb2.Status.FromString(packed).details
    except DecodeError:
        return None
    for each in details:
        found = kind()
        if each.Is(kind.DESCRIPTOR) and each.Unpack(found):
            return found
    return None
