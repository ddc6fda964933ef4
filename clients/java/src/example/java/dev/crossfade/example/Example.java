package dev.crossfade.example;

import com.google.protobuf.FieldMask;
import com.google.protobuf.Timestamp;
import dev.crossfade.client.CrossfadeClient;
import dev.crossfade.client.Errors;
import dev.crossfade.client.Session;
import dev.hospital.v1.CreateMedicationRequest;
import dev.hospital.v1.DeleteMedicationRequest;
import dev.hospital.v1.GetMedicationRequest;
import dev.hospital.v1.ListMedicationsRequest;
import dev.hospital.v1.Medication;
import dev.hospital.v1.MedicationsGrpc;
import dev.hospital.v1.UpdateMedicationRequest;
import io.grpc.StatusRuntimeException;
import java.time.Instant;
import java.util.UUID;

/**
 * Lists a patient's medications, prescribes one, changes it, reads it back and takes it away. Arguments: an instance's {@code host:port}
 * and a patient's name; default: those of {@code npm run dev}.
 */
public final class Example {
  private Example() {}

  public static void main(String[] args) {
    String address = args.length > 0 ? args[0] : "127.0.0.1:15051";
    String parent = args.length > 1 ? args[1] : "patients/007e7104-87fa-f67b-8ce7-2312b271e08a";
    try (CrossfadeClient client = CrossfadeClient.builder(address).caller("java-example").build()) {
      Session session = client.newSession();
      MedicationsGrpc.MedicationsBlockingStub medications = MedicationsGrpc.newBlockingStub(session.channel());

      medications
          .listMedications(ListMedicationsRequest.newBuilder().setParent(parent).setPageSize(3).build())
          .getMedicationsList()
          .forEach(one -> System.out.println(one.getName() + "  " + one.getDescription()));

      Medication created = medications.createMedication(aspirin(parent));
      System.out.println("created  " + created.getName() + " at version " + session.versionOf(created.getName()));

      Medication changed = created.toBuilder().setNote("with water").build();
      medications.updateMedication(
          UpdateMedicationRequest.newBuilder()
              .setMedication(changed)
              .setUpdateMask(FieldMask.newBuilder().addPaths("note"))
              .build());
      GetMedicationRequest get = GetMedicationRequest.newBuilder().setName(created.getName()).build();
      System.out.println("note     " + medications.getMedication(get).getNote());

      medications.deleteMedication(DeleteMedicationRequest.newBuilder().setName(created.getName()).build());
      try {
        medications.getMedication(get);
      } catch (StatusRuntimeException error) {
        System.out.println("deleted  " + Errors.reasonOf(error).orElse(error.getMessage()));
      }
    }
  }

  /** With a request id, so that it is sent again by itself if its outcome is not known. */
  private static CreateMedicationRequest aspirin(String parent) {
    Instant now = Instant.now();
    return CreateMedicationRequest.newBuilder()
        .setParent(parent)
        .setMedicationId(Long.toString(now.toEpochMilli()))
        .setRequestId(UUID.randomUUID().toString())
        .setMedication(
            Medication.newBuilder()
                .setCode(243670)
                .setDescription("aspirin 81 MG Oral Tablet")
                .setStartTime(Timestamp.newBuilder().setSeconds(now.getEpochSecond())))
        .build();
  }
}
