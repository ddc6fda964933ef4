"""Lists a patient's medications, creates one, updates it, reads it back and deletes it.

    python examples/medications.py
    python examples/medications.py --address 10.0.0.1:15051 --address 10.0.0.2:15051 --ca ca.crt --token-env TOKEN
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import uuid
from typing import TextIO

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

import crossfade
from hospital.v1 import medications_pb2, medications_pb2_grpc


def main() -> int:
    """Runs the example as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", action="append", help="an instance of the service; default: 127.0.0.1:15051")
    parser.add_argument("--patient", default="patients/007e7104-87fa-f67b-8ce7-2312b271e08a", help="whose medications")
    parser.add_argument("--ca", help="use TLS, and trust the authorities in this PEM file")
    parser.add_argument("--token-env", help="the environment variable that holds a bearer token; needs --ca")
    given = parser.parse_args()
    credentials = crossfade.tls_from_files(ca=given.ca) if given.ca else None
    token = os.environ[given.token_env] if given.token_env else None
    with crossfade.connect(*(given.address or ["127.0.0.1:15051"]), credentials=credentials, token=token) as channel:
        session = crossfade.Session(channel, caller="python-example")
        try:
            run(medications_pb2_grpc.MedicationsStub(session.channel), given.patient, sys.stdout)
        except grpc.RpcError as error:
            reason, unknown = crossfade.reason(error), crossfade.outcome_unknown(error)
            print(f"{error.details()} (reason {reason}, outcome unknown: {unknown})", file=sys.stderr)
            return 1
    return 0


def run(medications: medications_pb2_grpc.MedicationsStub, patient: str, out: TextIO) -> None:
    """Makes the calls, and prints what they answer."""
    page = medications.ListMedications(medications_pb2.ListMedicationsRequest(parent=patient, page_size=3))
    for one in page.medications:
        print("listed ", one.name, one.description, file=out)

    # The id is the caller's, and so is the request's: sent again, it makes no second record.
    start_time = Timestamp()
    start_time.GetCurrentTime()
    # The service keeps microseconds, and refuses what it would have to cut.
    start_time.nanos -= start_time.nanos % 1_000
    created = medications.CreateMedication(
        medications_pb2.CreateMedicationRequest(
            parent=patient,
            medication_id=str(secrets.randbits(63)),
            request_id=str(uuid.uuid4()),
            medication=medications_pb2.Medication(
                code=1049544, description="Acetaminophen 325 MG Oral Tablet", start_time=start_time
            ),
        )
    )
    print("created", created.name, created.description, file=out)

    # With the etag it is changed only if nobody else has changed it since.
    created.description = "Acetaminophen 500 MG Oral Tablet"
    medications.UpdateMedication(
        medications_pb2.UpdateMedicationRequest(
            medication=created, update_mask=FieldMask(paths=["description"]), request_id=str(uuid.uuid4())
        )
    )

    # The session has sent its version back, so this is the update or something later, whichever store answers.
    found = medications.GetMedication(medications_pb2.GetMedicationRequest(name=created.name))
    print("read   ", found.name, found.description, file=out)
    medications.DeleteMedication(medications_pb2.DeleteMedicationRequest(name=found.name))

    # The session remembers that too: no store that lags behind shows the record again.
    try:
        medications.GetMedication(medications_pb2.GetMedicationRequest(name=found.name))
    except grpc.RpcError as error:
        if crossfade.reason(error) != "RECORD_NOT_FOUND":
            raise
        print("deleted", crossfade.reason(error), file=out)


if __name__ == "__main__":
    sys.exit(main())
