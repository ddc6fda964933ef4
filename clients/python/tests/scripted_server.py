"""A gRPC server of medications that notes its calls, and fails the next ones as it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

import crossfade
from hospital.v1 import medications_pb2 as pb
from hospital.v1 import medications_pb2_grpc as pb_grpc

#: Nobody listens there.
NOBODY = "127.0.0.1:9"
PARENT = "patients/007e7104-87fa-f67b-8ce7-2312b271e08a"
_WORKERS = 4


class Call(NamedTuple):
    """One that reached the server."""

    method: str
    metadata: dict[str, str]
    #: Seconds until its deadline.
    left: float


class Failure(NamedTuple):
    """How a call fails."""

    code: grpc.StatusCode
    details: tuple[Message, ...] = ()


def refusal(code: grpc.StatusCode, reason: str, **metadata: str) -> Failure:
    """A failure of the service's own making."""
    info = error_details_pb2.ErrorInfo(reason=reason, domain="crossfade.dev", metadata=metadata)
    return Failure(code, (info,))


def unavailable(pause_seconds: float = 0.0) -> Failure:
    """The service can't answer now, and asks for a pause."""
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMicroseconds(int(pause_seconds * 1_000_000))
    return Failure(grpc.StatusCode.UNAVAILABLE, (*refusal(grpc.StatusCode.UNAVAILABLE, "NO_LEASE").details, retry))


class ScriptedServer(pb_grpc.MedicationsServicer):
    """Answers each call at the next version, but for those that it was told to fail."""

    def __init__(self, credentials: grpc.ServerCredentials | None = None) -> None:
        self.calls: list[Call] = []
        self.failures: list[Failure] = []
        self.version = 1
        #: Called before a call is answered.
        self.before: Callable[[], object] = lambda: None
        self._lock = threading.Lock()
        self.server = grpc.server(ThreadPoolExecutor(_WORKERS))
        pb_grpc.add_MedicationsServicer_to_server(self, self.server)
        anywhere = "127.0.0.1:0"
        if credentials is None:
            port = self.server.add_insecure_port(anywhere)
        else:
            port = self.server.add_secure_port(anywhere, credentials)
        self.address = f"127.0.0.1:{port}"
        self.server.start()

    def methods(self) -> str:
        """The methods of the calls so far, which are forgotten then."""
        with self._lock:
            names = [call.method for call in self.calls]
            self.calls.clear()
        return " ".join(names)

    def last(self) -> tuple[str | None, str | None]:
        """Version and consistency that the last call brought."""
        metadata = self.calls[-1].metadata
        return metadata.get("crossfade-version"), metadata.get("crossfade-consistency")

    def _meet(self, method: str, context: Any) -> None:
        with self._lock:
            self.calls.append(Call(method, dict(context.invocation_metadata()), context.time_remaining() or 0.0))
            failure = self.failures.pop(0) if self.failures else None
            if failure is None:
                context.send_initial_metadata((("crossfade-version", str(self.version)),))
                self.version += 1
        self.before()
        if failure is not None:
            _abort(context, failure)

    def CreateMedication(self, request: pb.CreateMedicationRequest, context: Any) -> pb.Medication:
        self._meet("Create", context)
        return pb.Medication(name=f"{request.parent}/medications/{request.medication_id}")

    def GetMedication(self, request: pb.GetMedicationRequest, context: Any) -> pb.Medication:
        self._meet("Get", context)
        return pb.Medication(name=request.name)

    def UpdateMedication(self, request: pb.UpdateMedicationRequest, context: Any) -> pb.Medication:
        self._meet("Update", context)
        return request.medication

    def DeleteMedication(self, request: pb.DeleteMedicationRequest, context: Any) -> Empty:
        self._meet("Delete", context)
        return Empty()

    def ListMedications(self, request: pb.ListMedicationsRequest, context: Any) -> pb.ListMedicationsResponse:
        self._meet("List", context)
        return pb.ListMedicationsResponse()

    def BatchGetMedications(self, request: pb.BatchGetMedicationsRequest, context: Any) -> pb.BatchGetMedicationsResponse:
        self._meet("BatchGet", context)
        return pb.BatchGetMedicationsResponse()

    def BatchCreateMedications(
        self, request: pb.BatchCreateMedicationsRequest, context: Any
    ) -> pb.BatchCreateMedicationsResponse:
        self._meet("BatchCreate", context)
        return pb.BatchCreateMedicationsResponse()

    def BatchUpdateMedications(
        self, request: pb.BatchUpdateMedicationsRequest, context: Any
    ) -> pb.BatchUpdateMedicationsResponse:
        self._meet("BatchUpdate", context)
        return pb.BatchUpdateMedicationsResponse()

    def BatchDeleteMedications(self, request: pb.BatchDeleteMedicationsRequest, context: Any) -> Empty:
        self._meet("BatchDelete", context)
        return Empty()


def _abort(context: Any, failure: Failure) -> None:
    status = status_pb2.Status(code=failure.code.value[0], message="scripted")
    for each in failure.details:
        status.details.add().Pack(each)
    if failure.details:
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(failure.code, "scripted")


@contextmanager
def scripted(credentials: grpc.ServerCredentials | None = None) -> Iterator[ScriptedServer]:
    """A server for the time of a test."""
    server = ScriptedServer(credentials)
    try:
        yield server
    finally:
        server.server.stop(None).wait()


@contextmanager
def stub(*addresses: str, **options: Any) -> Iterator[pb_grpc.MedicationsStub]:
    """A stub over a session of its own."""
    with crossfade.connect(*addresses, **options) as channel:
        yield pb_grpc.MedicationsStub(crossfade.Session(channel).channel)


def name(record_id: str) -> str:
    """A medication's."""
    return f"{PARENT}/medications/{record_id}"


def get(record_id: str) -> pb.GetMedicationRequest:
    """A read."""
    return pb.GetMedicationRequest(name=name(record_id))


def create(record_id: str, request_id: str = "") -> pb.CreateMedicationRequest:
    """A write, named if it has a request id."""
    return pb.CreateMedicationRequest(parent=PARENT, medication_id=record_id, request_id=request_id)
