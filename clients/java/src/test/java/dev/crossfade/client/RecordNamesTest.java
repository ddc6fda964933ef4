package dev.crossfade.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hospital.v1.BatchCreateMedicationsRequest;
import dev.hospital.v1.BatchGetMedicationsRequest;
import dev.hospital.v1.CreateMedicationRequest;
import dev.hospital.v1.GetMedicationRequest;
import dev.hospital.v1.ListMedicationsRequest;
import dev.hospital.v1.Medication;
import dev.hospital.v1.MedicationsProto;
import dev.hospital.v1.UpdateMedicationRequest;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RecordNamesTest {
  private static final String NAME = "patients/p/medications/1";

  private static RecordNames of(String method) {
    return new RecordNames(MedicationsProto.getDescriptor().findServiceByName("Medications").findMethodByName(method));
  }

  @Test
  void tellsReadsFromWrites() {
    assertTrue(of("GetMedication").isRead());
    assertTrue(of("ListMedications").isRead());
    assertTrue(of("BatchGetMedications").isRead());
    assertFalse(of("UpdateMedication").isRead());
    assertFalse(of("BatchDeleteMedications").isRead());
  }

  @Test
  void namesWhatARequestIsOf() {
    assertEquals(NAME, of("GetMedication").ofRequest(GetMedicationRequest.newBuilder().setName(NAME).build()));
    assertEquals(
        "patients/p/medications/*",
        of("ListMedications").ofRequest(ListMedicationsRequest.newBuilder().setParent("patients/p").build()));
    assertEquals(
        NAME,
        of("UpdateMedication")
            .ofRequest(
                UpdateMedicationRequest.newBuilder().setMedication(Medication.newBuilder().setName(NAME)).build()));
  }

  @Test
  void aCreateIsOfItsIdWhateverTheResourceIsCalled() {
    CreateMedicationRequest.Builder request =
        CreateMedicationRequest.newBuilder()
            .setParent("patients/p")
            .setMedication(Medication.newBuilder().setName("patients/p/medications/2"));
    assertNull(of("CreateMedication").ofRequest(request.build()));
    assertEquals(NAME, of("CreateMedication").ofRequest(request.setMedicationId("1").build()));
  }

  @Test
  void namesEachRecordOfABatchOnce() {
    assertEquals(
        Set.of(NAME, "patients/p/medications/2"),
        of("BatchGetMedications")
            .ofBatch(
                BatchGetMedicationsRequest.newBuilder()
                    .addNames(NAME)
                    .addNames(NAME)
                    .addNames("patients/p/medications/2")
                    .build()));
    assertEquals(
        Set.of(NAME),
        of("BatchCreateMedications")
            .ofBatch(
                BatchCreateMedicationsRequest.newBuilder()
                    .setParent("patients/p")
                    .addRequests(CreateMedicationRequest.newBuilder().setMedicationId("1"))
                    .build()));
  }

  @Test
  void aBatchIsNamedIfAllOfItIs() {
    BatchCreateMedicationsRequest.Builder batch =
        BatchCreateMedicationsRequest.newBuilder().addRequests(CreateMedicationRequest.newBuilder().setRequestId("a"));
    assertTrue(of("BatchCreateMedications").isNamed(batch.build()));
    assertFalse(of("BatchCreateMedications").isNamed(batch.addRequests(CreateMedicationRequest.newBuilder()).build()));
    assertFalse(of("BatchCreateMedications").isNamed(BatchCreateMedicationsRequest.getDefaultInstance()));
    assertTrue(of("CreateMedication").isNamed(CreateMedicationRequest.newBuilder().setRequestId("a").build()));
    assertFalse(of("GetMedication").isNamed(GetMedicationRequest.getDefaultInstance()));
  }
}
