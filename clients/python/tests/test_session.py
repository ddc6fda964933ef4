"""No read shows an older state than one before it."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

import crossfade
from crossfade import Consistency, call_metadata
from hospital.v1 import medications_pb2 as pb
from hospital.v1 import medications_pb2_grpc as pb_grpc
from scripted_server import PARENT, ScriptedServer, create, get, name, refusal


@pytest.fixture
def channel(server: ScriptedServer) -> Iterator[grpc.Channel]:
    with crossfade.connect(server.address) as channel:
        yield channel


@pytest.fixture
def session(channel: grpc.Channel) -> crossfade.Session:
    return crossfade.Session(channel, caller="pharmacy", user="ann")


@pytest.fixture
def medications(session: crossfade.Session) -> pb_grpc.MedicationsStub:
    return pb_grpc.MedicationsStub(session.channel)


def test_the_version_last_given_goes_back_for_each_record_by_itself(
    server: ScriptedServer, session: crossfade.Session, medications: pb_grpc.MedicationsStub
) -> None:
    server.version = 41
    medications.CreateMedication(create("1"))
    assert server.last() == (None, None)
    assert session.version_of(name("1")) == 41
    medications.GetMedication(get("1"))
    assert server.last() == ("41", None)
    medications.UpdateMedication(pb.UpdateMedicationRequest(medication=pb.Medication(name=name("1"))))
    assert server.last() == ("42", None)
    medications.GetMedication(get("2"))
    assert server.last() == (None, None)


def test_the_version_of_an_absence_is_remembered(
    server: ScriptedServer, session: crossfade.Session, medications: pb_grpc.MedicationsStub
) -> None:
    server.failures = [refusal(grpc.StatusCode.NOT_FOUND, "RECORD_NOT_FOUND", version="77")]
    with pytest.raises(grpc.RpcError) as raised:
        medications.GetMedication(get("1"))
    assert crossfade.reason(raised.value) == "RECORD_NOT_FOUND"
    assert session.version_of(name("1")) == 77


def test_a_list_is_asked_for_at_its_newest_record(server: ScriptedServer, medications: pb_grpc.MedicationsStub) -> None:
    server.version = 41
    medications.GetMedication(get("1"))
    medications.ListMedications(pb.ListMedicationsRequest(parent=PARENT))
    assert server.last() == ("41", None)
    medications.ListMedications(pb.ListMedicationsRequest(parent="patients/another"))
    assert server.last() == (None, None)


def test_the_authority_is_asked_once_after_a_list_which_may_have_shown_more(
    server: ScriptedServer, medications: pb_grpc.MedicationsStub
) -> None:
    server.version = 41
    medications.GetMedication(get("1"))
    medications.ListMedications(pb.ListMedicationsRequest(parent=PARENT))
    medications.GetMedication(get("1"), metadata=call_metadata(consistency=Consistency.AT_LEAST))
    assert server.last() == ("41", "at-least")
    medications.ListMedications(pb.ListMedicationsRequest(parent=PARENT))
    medications.GetMedication(get("1"))
    assert server.last() == ("43", "authority")
    medications.GetMedication(get("1"))
    assert server.last() == ("45", None)


def test_a_batch_is_asked_for_at_the_version_that_all_of_it_reaches(
    server: ScriptedServer, session: crossfade.Session, medications: pb_grpc.MedicationsStub
) -> None:
    server.version = 41
    medications.CreateMedication(create("1"))
    server.version = 50
    # The parent of one is that of the batch.
    requests = [create("2"), pb.CreateMedicationRequest(medication_id="3")]
    medications.BatchCreateMedications(pb.BatchCreateMedicationsRequest(parent=PARENT, requests=requests))
    assert server.last() == (None, None)
    assert [session.version_of(name(each)) for each in "123"] == [41, 50, 50]
    server.version = 50
    medications.BatchGetMedications(pb.BatchGetMedicationsRequest(names=[name("2"), name("3")]))
    assert server.last() == ("50", None)
    server.version = 50
    # The first record is older than the other's version, which it would never reach.
    medications.BatchGetMedications(pb.BatchGetMedicationsRequest(names=[name("1"), name("3")]))
    assert server.last() == ("41", "authority")


def test_a_failed_batch_tells_of_the_record_that_it_names(
    server: ScriptedServer, session: crossfade.Session, medications: pb_grpc.MedicationsStub
) -> None:
    server.failures = [refusal(grpc.StatusCode.NOT_FOUND, "RECORD_NOT_FOUND", version="77", name=name("2"))]
    with pytest.raises(grpc.RpcError):
        medications.BatchGetMedications(pb.BatchGetMedicationsRequest(names=[name("1"), name("2")]))
    assert [session.version_of(name(each)) for each in "12"] == [0, 77]


def test_a_create_is_known_by_its_id_whatever_name_the_record_bears(
    server: ScriptedServer, session: crossfade.Session, medications: pb_grpc.MedicationsStub
) -> None:
    server.failures = [refusal(grpc.StatusCode.ALREADY_EXISTS, "RECORD_ALREADY_EXISTS", version="77")]
    request = create("1")
    request.medication.name = name("2")
    with pytest.raises(grpc.RpcError):
        medications.CreateMedication(request)
    assert [session.version_of(name(each)) for each in "12"] == [77, 0]


def test_a_session_says_who_calls_and_a_call_may_say_otherwise(
    server: ScriptedServer, medications: pb_grpc.MedicationsStub
) -> None:
    medications.GetMedication(get("1"))
    assert server.calls[-1].metadata.items() >= {"crossfade-caller": "pharmacy", "crossfade-user": "ann"}.items()
    medications.GetMedication(get("1"), metadata=call_metadata(version=99, user="bob"))
    assert server.last() == ("99", None)
    assert server.calls[-1].metadata.items() >= {"crossfade-caller": "pharmacy", "crossfade-user": "bob"}.items()


def test_sessions_share_nothing_but_the_channel(server: ScriptedServer, channel: grpc.Channel) -> None:
    for _ in range(2):
        pb_grpc.MedicationsStub(crossfade.Session(channel).channel).GetMedication(get("1"))
    assert server.last() == (None, None)
