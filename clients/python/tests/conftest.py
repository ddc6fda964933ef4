"""What tests are given."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from scripted_server import ScriptedServer, scripted


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A scripted server."""
    with scripted() as running:
        yield running


@pytest.fixture
def from_harness() -> Callable[[str], str]:
    """A part of a running service; without one the test is skipped."""

    def look(name: str) -> str:
        value = os.environ.get(name, "")
        if not value:
            pytest.skip(f"{name} is not set: no service to test against")
        return value

    return look
