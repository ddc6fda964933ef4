"""Sessions: no read shows an older state than one before it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import grpc
from google.protobuf.message import Message

from crossfade._call_details import CallDetails, Metadata
from crossfade._errors import error_info
from crossfade._method_rules import MethodRules, rules_of
from crossfade._versions import KnownVersions

_VERSION = "crossfade-version"
_CONSISTENCY = "crossfade-consistency"
_CALLER = "crossfade-caller"
_USER = "crossfade-user"
#: The most records and lists whose versions a session remembers; what was not heard of for the longest is forgotten first.
_MOST_VERSIONS = 10_000
#: Versions are below 2^63.
_MOST_DIGITS = 19


class Consistency(str, enum.Enum):
    """What a call asks for. No store can be named."""

    #: The default: the store that the flags choose, acknowledged writes always seen.
    LATENCY = "latency"
    #: A state no older than the session's version is enough, also while the authority can't be reached.
    AT_LEAST = "at-least"
    #: The store answers that decides what is true.
    AUTHORITY = "authority"


def call_metadata(
    *,
    consistency: Consistency | None = None,
    version: int | None = None,
    caller: str | None = None,
    user: str | None = None,
) -> Metadata:
    """The ``metadata`` of a call that says something itself; it counts before what the session would say.

    :param version: one that another process was given, instead of the session's own.
    """
    said = {
        _CONSISTENCY: None if consistency is None else consistency.value,
        _VERSION: None if version is None else str(version),
        _CALLER: caller,
        _USER: user,
    }
    return tuple((key, value) for key, value in said.items() if value is not None)


class Session:
    """What one user, job or request reads and writes in order.

    The version that the service last gave for a record, or for a parent's list, goes back with the next call, so that no read
    shows an older state than one before it: of a record always, also after a NOT_FOUND; of a list as far as one version can say
    it, which is that of its newest record. A list gives no versions of its records, so the first Get of a record after a List of
    its parent asks for the authority. A batch that is read has one version too: where more is known of some of its records, the
    authority is asked.

    Several threads may use it at once. It is cheap: make one for each user or request, over one channel.

    :param caller: the calling service's name: flags and traces see it. One that has proven who it is needs none.
    :param user: the user on whose behalf calls are made: flags see it.
    """

    def __init__(self, channel: grpc.Channel, *, caller: str | None = None, user: str | None = None) -> None:
        self._versions = KnownVersions(_MOST_VERSIONS)
        names = call_metadata(caller=caller, user=user)
        self._channel = grpc.intercept_channel(channel, _SessionInterceptor(self._versions, names))

    @property
    def channel(self) -> grpc.Channel:
        """The channel for generated stubs. Closing it closes the one below."""
        return self._channel

    def version_of(self, name: str) -> int:
        """The version last given for a record's name; 0: none."""
        return self._versions.of(name)


class _Asked(NamedTuple):
    """Which records a call is about."""

    rules: MethodRules
    #: Of one record or list; empty: the request does not know it.
    name: str
    #: Of a batch; empty: it is none.
    names: tuple[str, ...]


class _SessionInterceptor(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    def __init__(self, versions: KnownVersions, names: Metadata) -> None:
        self._versions = versions
        self._names = names

    def intercept_unary_unary(
        self, continuation: Callable[[Any, Any], Any], client_call_details: grpc.ClientCallDetails, request: Any
    ) -> Any:
        asked = _asked_for(client_call_details.method, request)
        moment = self._versions.moment
        metadata = self._with_names(client_call_details.metadata)
        if asked is not None:
            metadata = self._with_versions(metadata, asked)
        call = continuation(CallDetails.of(client_call_details, metadata=metadata), request)
        if asked is None:
            return call
        if call.code() is grpc.StatusCode.OK:
            self._learn(asked, call.result(), _version_in(call) or 0, moment)
        else:
            self._learn_from_failure(asked, call, moment)
        return call

    def intercept_unary_stream(
        self, continuation: Callable[[Any, Any], Any], client_call_details: grpc.ClientCallDetails, request: Any
    ) -> Any:
        metadata = self._with_names(client_call_details.metadata)
        return continuation(CallDetails.of(client_call_details, metadata=metadata), request)

    def _with_names(self, given: Iterable[tuple[str, str | bytes]] | None) -> Metadata:
        metadata = tuple(given or ())
        return metadata + tuple(each for each in self._names if not _says(metadata, each[0]))

    def _with_versions(self, metadata: Metadata, asked: _Asked) -> Metadata:
        names = asked.names or ((asked.name,) if asked.name else ())
        # The service compares nothing with a batch that writes.
        is_written_batch = bool(asked.names) and not asked.rules.reads
        if _says(metadata, _VERSION) or not names or is_written_batch:
            return metadata
        # One version is compared with every record of a batch, so it is the least that is known of them; where more is known, by
        # another record's version or because a list has shown it, only the authority is sure to show it all.
        versions = [self._versions.of(name) for name in names]
        least = min(versions)
        is_more_known = max(versions) > least or any(self._versions.is_shown_by_list(name) for name in names)
        asks_authority = asked.rules.reads and is_more_known and not _says(metadata, _CONSISTENCY)
        return metadata + call_metadata(
            version=least or None, consistency=Consistency.AUTHORITY if asks_authority else None
        )

    def _learn(self, asked: _Asked, answer: Any, version: int, moment: int) -> None:
        names = asked.names or (asked.name or asked.rules.name_in(answer),)
        for name in filter(None, names):
            self._versions.raise_to(name, version, moment)

    def _learn_from_failure(self, asked: _Asked, call: Any, moment: int) -> None:
        # A failure may tell of the record too: that there is none, or one already. Its ErrorInfo survives every proxy.
        info = error_info(call)
        details = {} if info is None else dict(info.metadata)
        version = _version_in(call)
        if version is None:
            version = _parse_version(details.get("version"))
        # Of a batch the failure names the record.
        name = details.get("name", "") if asked.names else asked.name
        if version is not None and name:
            self._versions.raise_to(name, version, moment)


def _asked_for(method: str, request: Any) -> _Asked | None:
    rules = rules_of(method, request.DESCRIPTOR.file.pool) if isinstance(request, Message) else None
    return None if rules is None else _Asked(rules, rules.name_of(request), rules.names_of(request))


def _says(metadata: Metadata, key: str) -> bool:
    return any(each[0] == key for each in metadata)


def _version_in(call: Any) -> int | None:
    for key, value in (*(call.initial_metadata() or ()), *(call.trailing_metadata() or ())):
        if key == _VERSION and (version := _parse_version(value)) is not None:
            return version
    return None


def _parse_version(text: str | None) -> int | None:
    return int(text) if text is not None and len(text) <= _MOST_DIGITS and text.isascii() and text.isdigit() else None
