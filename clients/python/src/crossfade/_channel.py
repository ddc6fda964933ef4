"""Channels to the instances of a service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc

from crossfade._failover import FailoverChannel
from crossfade._retry import RetryInterceptor
from crossfade._token_in_clear import TokenInClear

#: How long a call may take, with all its retries, if it says nothing itself. Longer than a handover of authority may make writers
#: wait, which is five seconds unless the service is told otherwise.
DEFAULT_TIMEOUT_SECONDS = 10.0
#: How often a call that may safely be sent again is.
DEFAULT_RETRIES = 8

_OPTIONS = (
    # An instance that was away is tried again after the first pause, and then ever more seldom, up to the last.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # An address that swallows what is sent to it counts as away after this long.
    ("grpc.min_reconnect_backoff_ms", 1_000),
    # Where a name stands for several instances, calls go to them in turn.
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    # While a call is under way and nothing comes for ten seconds, the instance is asked for a sign of life; without one in five more
    # its connection is closed, and the next call goes elsewhere.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # grpc waits a minute for the answer to any ping, also to one of these, unless it is told otherwise.
    ("grpc.http2.ping_timeout_ms", 5_000),
    # By default it asks twice, and no more.
    ("grpc.http2.max_pings_without_data", 0),
)


def connect(
    *addresses: str,
    credentials: grpc.ChannelCredentials | None = None,
    token: str | Callable[[], str] | None = None,
    token_in_clear: bool = False,
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    retries: int = DEFAULT_RETRIES,
    options: Sequence[tuple[str, Any]] = (),
) -> grpc.Channel:
    """Makes a channel to the instances of a service, ``host:port`` each, or any target that grpc knows.

    It connects with the first call, and uses one address until it fails, then the next. Close it, or use it in a ``with``.

    :param credentials: for TLS; :func:`tls_from_files` reads them from files. Default: none, in the clear.
    :param token: the bearer token of each call, or what is asked for one for each. It goes over TLS only, but for:
    :param token_in_clear: lets it go without TLS, where whoever is on the way can read it: for a proxy on the same machine that does
        TLS.
    :param timeout_seconds: how long a call may take that has no time-out of its own, retries included.
    :param retries: how often a call that may safely be sent again is; 0: never.
    :param options: of grpc's channels; they count before Crossfade's own.
    """
    if not addresses or not all(addresses):
        raise ValueError(f"a channel needs at least one address, and none that is empty: {addresses}")
    if token is not None and credentials is None and not token_in_clear:
        raise ValueError("a token is sent over TLS only: give credentials too, or token_in_clear=True to let others read it")
    if token is not None and credentials is not None:
        credentials = grpc.composite_channel_credentials(credentials, _bearer(token))
    # Of two options with one name grpc takes the first.
    merged = list({**dict(_OPTIONS), **dict(options)}.items())
    channels = [_open(address, credentials, merged) for address in addresses]
    channel = channels[0] if len(channels) == 1 else FailoverChannel(channels)
    retrying = grpc.intercept_channel(channel, RetryInterceptor(timeout_seconds, retries))
    if token is None or credentials is not None:
        return retrying
    # grpc takes credentials of calls over TLS only.
    return grpc.intercept_channel(retrying, TokenInClear(token))


def tls_from_files(
    *, ca: str | Path | None = None, cert: str | Path | None = None, key: str | Path | None = None
) -> grpc.ChannelCredentials:
    """Reads PEM files: whose certificates are good (default: grpc's own), and for mutual TLS the caller's own with its key."""
    if (cert is None) != (key is None):
        raise ValueError("a certificate and its key come together: name both, or neither")
    ca_pem, cert_pem, key_pem = (None if file is None else Path(file).read_bytes() for file in (ca, cert, key))
    return grpc.ssl_channel_credentials(root_certificates=ca_pem, private_key=key_pem, certificate_chain=cert_pem)


def _open(
    address: str, credentials: grpc.ChannelCredentials | None, options: Sequence[tuple[str, Any]]
) -> grpc.Channel:
    if credentials is None:
        return grpc.insecure_channel(address, options)
    return grpc.secure_channel(address, credentials, options)


def _bearer(token: str | Callable[[], str]) -> grpc.CallCredentials:
    return grpc.access_token_call_credentials(token) if isinstance(token, str) else grpc.metadata_call_credentials(_Token(token))


class _Token(grpc.AuthMetadataPlugin):
    """A token that is asked for with each call."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def __call__(self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback) -> None:
        callback((("authorization", f"Bearer {self._token()}"),), None)
