"""The versions that a session was given."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple


class Known(NamedTuple):
    """What is known of one record, or of one list."""

    version: int
    #: Of a record: the moment at which the call was sent that gave it last. Of a list: at which it was last shown.
    moment: int


_NOTHING = Known(0, 0)


class KnownVersions:
    """The versions that a session was given, for several threads.

    A list's version is the greatest of it and of its records that were read or written by themselves, so a list is never older
    than they are. Bounded: what was not heard of for the longest is forgotten first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._moment = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._known)

    @property
    def moment(self) -> int:
        """The moment as it is now; each list that is shown begins another one."""
        return self._moment

    def of(self, name: str) -> int:
        """The version to send back; 0: none was given, or it was forgotten."""
        with self._lock:
            return self._known.get(name, _NOTHING).version

    def is_shown_by_list(self, name: str) -> bool:
        """Whether a list has shown a record, or that there is none, after its own version was given: it may have shown more."""
        of = list_of(name)
        with self._lock:
            shown, own = self._known.get(of, _NOTHING), self._known.get(name, _NOTHING)
        return of != name and shown.moment > own.moment

    def raise_to(self, name: str, version: int, moment: int) -> None:
        """Notes what the answer to a call gave that was sent at ``moment``."""
        of = list_of(name)
        with self._lock:
            if of == name:
                self._moment += 1
                self._set(of, Known(version, self._moment))
            else:
                self._set(name, Known(version, moment))
                self._set(of, Known(version, self._known.get(of, _NOTHING).moment))

    def _set(self, name: str, heard: Known) -> None:
        # Neither part goes back: an answer that was overtaken by a later one says nothing new.
        before = self._known.pop(name, _NOTHING)
        self._known[name] = Known(max(heard.version, before.version), max(heard.moment, before.moment))
        if len(self._known) > self._most:
            self._known.popitem(last=False)


def list_of(name: str) -> str:
    """The list in which a record stands: ``patients/p/medications/*``. Its name is no record's: ``*`` is no part of one."""
    return name[: name.rfind("/") + 1] + "*"
