"""A bearer token without TLS, for callers who say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from crossfade._call_details import CallDetails

_AUTHORIZATION = "authorization"


class TokenInClear(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Puts a token, or what is given when one is asked for, into each call. What the call says itself counts."""

    def __init__(self, token: str | Callable[[], str]) -> None:
        self._token = token

    def intercept_unary_unary(
        self, continuation: Callable[[Any, Any], Any], client_call_details: grpc.ClientCallDetails, request: Any
    ) -> Any:
        """Of a call."""
        return continuation(self._with_token(client_call_details), request)

    def intercept_unary_stream(
        self, continuation: Callable[[Any, Any], Any], client_call_details: grpc.ClientCallDetails, request: Any
    ) -> Any:
        """Of a stream."""
        return continuation(self._with_token(client_call_details), request)

    def _with_token(self, given: grpc.ClientCallDetails) -> CallDetails:
        metadata = tuple(given.metadata or ())
        if any(key == _AUTHORIZATION for key, _ in metadata):
            return CallDetails.of(given)
        token = self._token if isinstance(self._token, str) else self._token()
        return CallDetails.of(given, metadata=(*metadata, (_AUTHORIZATION, f"Bearer {token}")))
