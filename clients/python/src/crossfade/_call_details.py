"""The details of a call, with some of them changed."""

from __future__ import annotations

from typing import NamedTuple

import grpc

Metadata = tuple[tuple[str, str | bytes], ...]


class _Details(NamedTuple):
    method: str
    timeout: float | None
    metadata: Metadata | None
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


class CallDetails(_Details, grpc.ClientCallDetails):
    """Details of a call that interceptors may hand on."""

    @classmethod
    def of(
        cls, given: grpc.ClientCallDetails, *, timeout: float | None = None, metadata: Metadata | None = None
    ) -> CallDetails:
        """Those that were given, with another time-out or other metadata if they are named."""
        return cls(
            given.method,
            given.timeout if timeout is None else timeout,
            given.metadata if metadata is None else metadata,
            given.credentials,
            getattr(given, "wait_for_ready", None),
            getattr(given, "compression", None),
        )
