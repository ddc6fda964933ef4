"""One channel over several addresses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import grpc

#: What says that an instance is not there, or does not answer: the next call goes to another one.
_PASSED_OVER = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class FailoverChannel(grpc.Channel):
    """Channels to equal instances, of which one is used until it fails: then the next.

    grpc's own balancers take several addresses only where a name resolves to them.
    """

    def __init__(self, channels: Sequence[grpc.Channel]) -> None:
        self._channels = channels
        self._current = 0
        self._lock = threading.Lock()

    def current(self) -> int:
        """Which channel is used."""
        return self._current

    def note(self, used: int, code: grpc.StatusCode | None) -> None:
        """Notes how a call on a channel ended. Calls that fail together move on by one channel together."""
        if code not in _PASSED_OVER:
            return
        with self._lock:
            if self._current == used:
                self._current = (used + 1) % len(self._channels)

    def unary_unary(self, method: str, *args: Any, **options: Any) -> Any:
        """Calls of a unary method."""
        return _FailoverCallable(self, [each.unary_unary(method, *args, **options) for each in self._channels])

    def unary_stream(self, method: str, *args: Any, **options: Any) -> Any:
        """Calls of a method that answers a stream; a stream stays where it began."""
        return self._channels[self._current].unary_stream(method, *args, **options)

    def stream_unary(self, method: str, *args: Any, **options: Any) -> Any:
        """Calls of a method that takes a stream; a stream stays where it began."""
        return self._channels[self._current].stream_unary(method, *args, **options)

    def stream_stream(self, method: str, *args: Any, **options: Any) -> Any:
        """Calls of a method of two streams; a stream stays where it began."""
        return self._channels[self._current].stream_stream(method, *args, **options)

    def subscribe(self, callback: Callable[[grpc.ChannelConnectivity], None], try_to_connect: bool = False) -> None:
        """Watches the connections of all channels."""
        for each in self._channels:
            each.subscribe(callback, try_to_connect)

    def unsubscribe(self, callback: Callable[[grpc.ChannelConnectivity], None]) -> None:
        """Ends what :meth:`subscribe` began."""
        for each in self._channels:
            each.unsubscribe(callback)

    def close(self) -> None:
        """Closes all channels."""
        for each in self._channels:
            each.close()

    def __enter__(self) -> FailoverChannel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _FailoverCallable:
    """The part of a ``grpc.UnaryUnaryMultiCallable`` that interceptors call: there always is one above."""

    def __init__(self, channel: FailoverChannel, callables: Sequence[Any]) -> None:
        self._channel = channel
        self._callables = callables

    def with_call(self, request: Any, **options: Any) -> Any:
        used = self._channel.current()
        try:
            return self._callables[used].with_call(request, **options)
        except grpc.RpcError as error:
            self._channel.note(used, error.code())
            raise

    def future(self, request: Any, **options: Any) -> Any:
        used = self._channel.current()
        call = self._callables[used].future(request, **options)
        call.add_done_callback(lambda done: self._channel.note(used, done.code()))
        return call
