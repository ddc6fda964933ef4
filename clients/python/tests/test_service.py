"""Against a running service."""

from __future__ import annotations

import io
import secrets
import uuid
from collections.abc import Callable

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp

import crossfade
import medications as example
from crossfade import Consistency, call_metadata
from crossfade.v1alpha1 import migrations_pb2, migrations_pb2_grpc
from hospital.v1 import medications_pb2 as pb
from hospital.v1 import medications_pb2_grpc as pb_grpc
from scripted_server import NOBODY, stub

FromHarness = Callable[[str], str]


def test_the_example_runs(from_harness: FromHarness) -> None:
    out = io.StringIO()
    patient = from_harness("CROSSFADE_TEST_PATIENT")
    with stub(from_harness("CROSSFADE_TEST_ADDRESS")) as medications:
        example.run(medications, patient, out)
    assert f"created {patient}/medications/" in out.getvalue()
    assert "Acetaminophen 500 MG Oral Tablet\n" in out.getvalue()
    assert "deleted RECORD_NOT_FOUND\n" in out.getvalue()


def test_a_session(from_harness: FromHarness) -> None:
    with crossfade.connect(NOBODY, from_harness("CROSSFADE_TEST_ADDRESS")) as channel:
        session = crossfade.Session(channel, caller="python-test")
        medications = pb_grpc.MedicationsStub(session.channel)
        request = pb.CreateMedicationRequest(
            parent=from_harness("CROSSFADE_TEST_PATIENT"),
            medication_id=str(secrets.randbits(63)),
            request_id=str(uuid.uuid4()),
            medication=pb.Medication(code=7, description="a drug", start_time=Timestamp(seconds=1_700_000_000)),
        )
        name = medications.CreateMedication(request).name
        first = session.version_of(name)
        assert first > 0
        # The service knows the request again.
        assert medications.CreateMedication(request).name == name
        for consistency in Consistency:
            found = medications.GetMedication(
                pb.GetMedicationRequest(name=name), metadata=call_metadata(consistency=consistency)
            )
            assert found.description == "a drug"
        medications.DeleteMedication(pb.DeleteMedicationRequest(name=name))
        with pytest.raises(grpc.RpcError) as raised:
            medications.GetMedication(pb.GetMedicationRequest(name=name))
        assert crossfade.reason(raised.value) == "RECORD_NOT_FOUND"
        assert session.version_of(name) > first


def test_a_version_that_was_never_given_is_refused(from_harness: FromHarness) -> None:
    request = pb.GetMedicationRequest(name=f"{from_harness('CROSSFADE_TEST_PATIENT')}/medications/1")
    with stub(from_harness("CROSSFADE_TEST_ADDRESS")) as medications, pytest.raises(grpc.RpcError) as raised:
        medications.GetMedication(request, metadata=call_metadata(version=1 << 62))
    assert crossfade.reason(raised.value) == "VERSION_FROM_THE_FUTURE"
    assert not crossfade.outcome_unknown(raised.value)


def test_a_token_over_tls(from_harness: FromHarness) -> None:
    address = from_harness("CROSSFADE_TEST_TLS_ADDRESS")
    credentials = crossfade.tls_from_files(ca=from_harness("CROSSFADE_TEST_CA"))
    request = pb.ListMedicationsRequest(parent=from_harness("CROSSFADE_TEST_PATIENT"), page_size=1)
    token = from_harness("CROSSFADE_TEST_TOKEN")
    for given in (token, lambda: token):
        with stub(address, credentials=credentials, token=given) as medications:
            medications.ListMedications(request)
    with stub(address, credentials=credentials) as medications, pytest.raises(grpc.RpcError) as raised:
        medications.ListMedications(request)
    assert (crossfade.reason(raised.value) or "").startswith("CREDENTIALS_")


def test_a_certificate_over_tls(from_harness: FromHarness) -> None:
    credentials = crossfade.tls_from_files(
        ca=from_harness("CROSSFADE_TEST_CA"),
        cert=from_harness("CROSSFADE_TEST_CERT"),
        key=from_harness("CROSSFADE_TEST_KEY"),
    )
    with stub(from_harness("CROSSFADE_TEST_TLS_ADDRESS"), credentials=credentials) as medications:
        medications.ListMedications(pb.ListMedicationsRequest(parent=from_harness("CROSSFADE_TEST_PATIENT"), page_size=1))


def test_the_migration_api(from_harness: FromHarness) -> None:
    with crossfade.connect(from_harness("CROSSFADE_TEST_ADDRESS")) as channel:
        session = crossfade.Session(channel, caller="python-test")
        migrations = migrations_pb2_grpc.MigrationsStub(session.channel)
        listed = migrations.ListMigrations(migrations_pb2.ListMigrationsRequest()).migrations
        assert "migrations/medications" in [migration.name for migration in listed]
        watched = migrations.WatchMigration(migrations_pb2.WatchMigrationRequest(name="migrations/medications"))
        assert next(iter(watched)).migration.name == "migrations/medications"
        watched.cancel()
        operations = operations_pb2_grpc.OperationsStub(session.channel)
        for operation in operations.ListOperations(
            operations_pb2.ListOperationsRequest(name="migrations/medications")
        ).operations:
            assert operation.metadata.Unpack(migrations_pb2.Job())
