"""Deadlines, and calls that are sent again where that has no second effect."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from crossfade._call_details import CallDetails
from crossfade._errors import detail_of, outcome_unknown, reason, was_not_sent
from crossfade._method_rules import CallKind, rules_of

#: The pause before the first retry; it doubles with each, up to the last, half of it at random.
_FIRST_PAUSE_SECONDS = 0.02
_LAST_PAUSE_SECONDS = 1.0
#: More doublings would be cut off, or overflow.
_MOST_DOUBLINGS = 16
#: grpc refuses a time-out that is not above zero in words of its own.
_LEAST_TIMEOUT_SECONDS = 0.001


class RetryInterceptor(grpc.UnaryUnaryClientInterceptor):
    """Bounds unary calls that have no time-out of their own, and sends them again within it.

    ``.future()`` waits for the answer, as an interceptor has to see it.
    """

    def __init__(self, timeout_seconds: float, retries: int) -> None:
        self._timeout_seconds = timeout_seconds
        self._retries = retries

    def intercept_unary_unary(
        self, continuation: Callable[[Any, Any], Any], client_call_details: grpc.ClientCallDetails, request: Any
    ) -> Any:
        """Makes the call, as often as is safe, allowed and in time."""
        kind = kind_of(client_call_details.method, request)
        timeout = client_call_details.timeout
        ends_at = time.monotonic() + (self._timeout_seconds if timeout is None else timeout)
        attempt = 0
        while True:
            left = max(_LEAST_TIMEOUT_SECONDS, ends_at - time.monotonic())
            call = continuation(CallDetails.of(client_call_details, timeout=left), request)
            if call.code() is grpc.StatusCode.OK or attempt >= self._retries or not may_send_again(call, kind):
                return call
            pause = pause_before(attempt, call, random.random())
            if time.monotonic() + pause >= ends_at:
                return call
            time.sleep(pause)
            attempt += 1


def kind_of(method: str, request: Any) -> CallKind:
    """What a call is; one of which nothing is known counts as a write."""
    rules = rules_of(method, request.DESCRIPTOR.file.pool) if isinstance(request, Message) else None
    return CallKind.WRITE if rules is None else rules.kind_of(request)


def may_send_again(error: grpc.RpcError, kind: CallKind) -> bool:
    """Whether a call may be sent again without its caller's saying so.

    Reads: on UNAVAILABLE. Writes: only if it is certain that nothing was written, because the service itself said UNAVAILABLE or
    the call was never sent; when the outcome is not known only if the write is named, as it is then recognised. Not past a
    deadline, nor once the caller has cancelled.
    """
    code = error.code()
    if kind is CallKind.NAMED_WRITE and outcome_unknown(error):
        return code not in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
    if code is not grpc.StatusCode.UNAVAILABLE:
        return False
    return kind is CallKind.READ or reason(error) is not None or was_not_sent(error)


def pause_before(attempt: int, error: grpc.RpcError, dice: float) -> float:
    """What the service asked for, and the backoff on top of it: callers who were refused together do not come back together.

    ``dice``: from 0 to below 1.
    """
    info = detail_of(error, error_details_pb2.RetryInfo)
    asked = 0.0 if info is None else max(0.0, info.retry_delay.ToTimedelta().total_seconds())
    backoff = min(_LAST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(attempt, _MOST_DOUBLINGS))
    return asked + backoff * (0.5 + dice / 2)
