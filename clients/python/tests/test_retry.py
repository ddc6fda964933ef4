"""What is sent again, and when."""

from __future__ import annotations

import threading
import time

import grpc
import pytest

import crossfade
from crossfade._retry import pause_before
from hospital.v1 import medications_pb2 as pb
from scripted_server import (
    NOBODY,
    PARENT,
    Failure,
    ScriptedServer,
    create,
    get,
    refusal,
    scripted,
    stub,
    unavailable,
)

UNKNOWN = refusal(grpc.StatusCode.UNKNOWN, "OUTCOME_UNKNOWN")


def test_an_instance_that_does_not_answer_is_passed_over_for_reads_and_writes(server: ScriptedServer) -> None:
    for addresses in ((NOBODY, server.address), (server.address, NOBODY)):
        with stub(*addresses) as medications:
            medications.CreateMedication(create("1"))
            medications.GetMedication(get("1"))


@pytest.mark.parametrize("policy", ["round_robin", "pick_first"])
def test_a_call_that_never_left_has_a_known_outcome(policy: str) -> None:
    balancer = ("grpc.service_config", f'{{"loadBalancingConfig": [{{"{policy}": {{}}}}]}}')
    with stub(NOBODY, options=[balancer]) as medications, pytest.raises(grpc.RpcError) as raised:
        medications.CreateMedication(create("1"))
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert not crossfade.outcome_unknown(raised.value)


def test_a_name_that_nobody_has_leaves_a_known_outcome() -> None:
    with stub("nobody.invalid:1") as medications, pytest.raises(grpc.RpcError) as raised:
        medications.CreateMedication(create("1"))
    assert not crossfade.outcome_unknown(raised.value)


def test_what_the_service_itself_refused_as_unavailable_is_sent_again(server: ScriptedServer) -> None:
    with stub(server.address) as medications:
        server.failures = [unavailable(), unavailable()]
        medications.CreateMedication(create("1"))
        server.failures = [unavailable()]
        medications.GetMedication(get("1"))
    assert server.methods() == "Create Create Create Get Get"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS"),
        (grpc.StatusCode.ABORTED, "ETAG_MISMATCH"),
        (grpc.StatusCode.INTERNAL, "INTERNAL"),
        (grpc.StatusCode.DATA_LOSS, "VERSION_LOST"),
    ],
)
def test_only_unavailable_is_sent_again(server: ScriptedServer, code: grpc.StatusCode, reason: str) -> None:
    server.failures = [refusal(code, reason)]
    with stub(server.address) as medications, pytest.raises(grpc.RpcError) as raised:
        medications.GetMedication(get("1"))
    assert (raised.value.code(), crossfade.reason(raised.value)) == (code, reason)
    assert not crossfade.outcome_unknown(raised.value)
    assert server.methods() == "Get"


def test_a_write_is_not_sent_again_where_a_link_may_have_broken(server: ScriptedServer) -> None:
    # No ErrorInfo: not the service has said so, but something between.
    link = Failure(grpc.StatusCode.UNAVAILABLE)
    with stub(server.address) as medications:
        server.failures = [link]
        with pytest.raises(grpc.RpcError) as raised:
            medications.CreateMedication(create("1"))
        assert crossfade.outcome_unknown(raised.value)
        assert server.methods() == "Create"
        server.failures = [link]
        medications.GetMedication(get("1"))
        assert server.methods() == "Get Get"


def break_link(server: ScriptedServer) -> None:
    """Ends the server while it has the call, which ``stop`` alone would wait for."""

    def end() -> None:
        threading.Thread(target=server.server.stop, args=(0,)).start()
        time.sleep(0.5)

    server.before = end


def test_a_link_that_breaks_leaves_a_plain_writes_outcome_unknown() -> None:
    with scripted() as dying, scripted() as living, stub(dying.address, living.address) as medications:
        break_link(dying)
        with pytest.raises(grpc.RpcError) as raised:
            medications.CreateMedication(create("1"))
        assert crossfade.outcome_unknown(raised.value)
        assert (dying.methods(), living.methods()) == ("Create", "")


def test_a_link_that_breaks_sends_a_named_write_to_another_instance() -> None:
    with scripted() as dying, scripted() as living, stub(dying.address, living.address) as medications:
        break_link(dying)
        medications.CreateMedication(create("1", "an id"))
        assert (dying.methods(), living.methods()) == ("Create", "Create")


def test_an_unknown_outcome_is_sent_again_only_if_the_write_is_named(server: ScriptedServer) -> None:
    with stub(server.address) as medications:
        server.failures = [UNKNOWN]
        with pytest.raises(grpc.RpcError) as raised:
            medications.CreateMedication(create("1"))
        assert crossfade.outcome_unknown(raised.value)
        assert crossfade.reason(raised.value) == "OUTCOME_UNKNOWN"
        assert server.methods() == "Create"
        server.failures = [UNKNOWN]
        medications.CreateMedication(create("1", "an id"))
        assert server.methods() == "Create Create"


def test_a_batch_is_sent_again_only_if_all_of_it_is_named(server: ScriptedServer) -> None:
    def batch(*ids: str) -> pb.BatchCreateMedicationsRequest:
        return pb.BatchCreateMedicationsRequest(parent=PARENT, requests=[create("1", each) for each in ids])

    with stub(server.address) as medications:
        server.failures = [UNKNOWN]
        with pytest.raises(grpc.RpcError):
            medications.BatchCreateMedications(batch("an id", ""))
        assert server.methods() == "BatchCreate"
        server.failures = [UNKNOWN]
        medications.BatchCreateMedications(batch("an id", "another"))
        assert server.methods() == "BatchCreate BatchCreate"


def test_it_gives_up_after_as_many_tries_as_it_was_told(server: ScriptedServer) -> None:
    server.failures = [unavailable(), unavailable(), unavailable()]
    with stub(server.address, retries=2) as medications, pytest.raises(grpc.RpcError) as raised:
        medications.GetMedication(get("1"))
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert server.methods() == "Get Get Get"


def test_it_waits_as_long_as_the_service_asks(server: ScriptedServer) -> None:
    server.failures = [unavailable(0.15)]
    begun = time.monotonic()
    with stub(server.address) as medications:
        medications.GetMedication(get("1"))
    assert time.monotonic() - begun >= 0.15


def test_it_does_not_wait_past_the_deadline(server: ScriptedServer) -> None:
    server.failures = [unavailable(3_600)]
    begun = time.monotonic()
    with stub(server.address) as medications, pytest.raises(grpc.RpcError) as raised:
        medications.GetMedication(get("1"))
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert time.monotonic() - begun < crossfade.DEFAULT_TIMEOUT_SECONDS / 2


def test_calls_have_ten_seconds_by_default(server: ScriptedServer) -> None:
    with stub(server.address) as medications:
        medications.GetMedication(get("1"))
    # A handover of authority makes writers wait for five seconds at most.
    # What is left is told in whole units, rounded up.
    assert 5 < server.calls[-1].left < 10.5


@pytest.mark.parametrize("own", [None, 0.1])
def test_calls_end_at_the_clients_deadline_or_their_own(server: ScriptedServer, own: float | None) -> None:
    server.before = lambda: time.sleep(1)
    with stub(server.address, timeout_seconds=60 if own else 0.1) as medications:
        with pytest.raises(grpc.RpcError) as raised:
            medications.CreateMedication(create("1", "an id"), timeout=own)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert crossfade.outcome_unknown(raised.value)
    assert server.methods() == "Create"


def test_futures_are_sent_again_too(server: ScriptedServer) -> None:
    server.failures = [unavailable()]
    with stub(NOBODY, server.address) as medications:
        assert medications.GetMedication.future(get("1")).result().name == get("1").name
    assert server.methods() == "Get Get"


def test_pauses_double_up_to_the_last_half_of_them_at_random() -> None:
    plain = grpc.RpcError()
    pauses = [pause_before(attempt, plain, dice) for attempt, dice in ((0, 0), (0, 1), (3, 0), (3, 1), (6, 1), (1_000, 1))]
    assert pauses == pytest.approx([0.01, 0.02, 0.08, 0.16, 1.0, 1.0])
