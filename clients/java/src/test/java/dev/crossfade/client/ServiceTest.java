package dev.crossfade.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.FieldMask;
import com.google.protobuf.Timestamp;
import dev.crossfade.example.Example;
import dev.hospital.v1.CreateMedicationRequest;
import dev.hospital.v1.DeleteMedicationRequest;
import dev.hospital.v1.GetMedicationRequest;
import dev.hospital.v1.ListMedicationsRequest;
import dev.hospital.v1.Medication;
import dev.hospital.v1.MedicationsGrpc;
import dev.hospital.v1.UpdateMedicationRequest;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import java.io.File;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** Against the real service, half of whose reads come from either store: {@code npm run test:clients -- --only java}. */
@Timeout(120)
@EnabledIfEnvironmentVariable(named = "CROSSFADE_TEST_ADDRESS", matches = ".+")
class ServiceTest {
  private static final int UPDATES = 60;
  private static final AtomicLong IDS = new AtomicLong(System.currentTimeMillis() * 1_000);

  private static String env(String name) {
    return System.getenv("CROSSFADE_TEST_" + name);
  }

  private static CrossfadeClient.Builder plain() {
    return patient(env("ADDRESS")).caller("java-test");
  }

  private static CrossfadeClient.Builder secure() {
    return patient(env("TLS_ADDRESS"));
  }

  /** The machine that carries these tests carries both stores as well. */
  private static CrossfadeClient.Builder patient(String address) {
    return CrossfadeClient.builder(address).timeout(Duration.ofSeconds(30)).retries(20);
  }

  private static MedicationsGrpc.MedicationsBlockingStub begin(CrossfadeClient client) {
    return MedicationsGrpc.newBlockingStub(client.newSession().channel());
  }

  private static ListMedicationsRequest list(int pageSize) {
    return ListMedicationsRequest.newBuilder().setParent(env("PATIENT")).setPageSize(pageSize).build();
  }

  private static GetMedicationRequest get(String name) {
    return GetMedicationRequest.newBuilder().setName(name).build();
  }

  private static CreateMedicationRequest create() {
    return CreateMedicationRequest.newBuilder()
        .setParent(env("PATIENT"))
        .setMedicationId(Long.toString(IDS.incrementAndGet()))
        .setRequestId(UUID.randomUUID().toString())
        .setMedication(
            Medication.newBuilder()
                .setCode(7)
                .setDescription("a drug")
                .setStartTime(Timestamp.newBuilder().setSeconds(1_700_000_000)))
        .build();
  }

  private static UpdateMedicationRequest update(Medication.Builder medication, String path) {
    return UpdateMedicationRequest.newBuilder()
        .setMedication(medication)
        .setUpdateMask(FieldMask.newBuilder().addPaths(path))
        .build();
  }

  private static void delete(MedicationsGrpc.MedicationsBlockingStub stub, String name) {
    stub.deleteMedication(DeleteMedicationRequest.newBuilder().setName(name).build());
  }

  @Test
  void listsCreatesUpdatesReadsBackAndDeletes() {
    try (CrossfadeClient client = plain().build()) {
      Session session = client.newSession("ann");
      MedicationsGrpc.MedicationsBlockingStub stub = MedicationsGrpc.newBlockingStub(session.channel());
      assertEquals(2, stub.listMedications(list(2)).getMedicationsCount());
      String name = stub.createMedication(create()).getName();
      long created = session.versionOf(name);
      assertTrue(created > 0);
      stub.updateMedication(update(Medication.newBuilder().setName(name).setNote("with water"), "note"));
      assertTrue(session.versionOf(name) > created);
      assertEquals("with water", stub.getMedication(get(name)).getNote());
      delete(stub, name);
      StatusRuntimeException error = assertThrows(StatusRuntimeException.class, () -> stub.getMedication(get(name)));
      assertEquals("RECORD_NOT_FOUND", Errors.reasonOf(error).orElseThrow());
    }
  }

  @Test
  void showsNoOlderStateThanOneBefore() {
    try (CrossfadeClient client = plain().build()) {
      MedicationsGrpc.MedicationsBlockingStub writer = begin(client);
      String name = writer.createMedication(create()).getName();
      CompletableFuture<Void> writing =
          CompletableFuture.runAsync(
              () -> {
                for (int count = 1; count <= UPDATES; count++) {
                  writer.updateMedication(update(Medication.newBuilder().setName(name).setDispenses(count), "dispenses"));
                }
              });
      AtomicReference<Metadata> headers = new AtomicReference<>();
      MedicationsGrpc.MedicationsBlockingStub reader =
          begin(client)
              .withInterceptors(MetadataUtils.newCaptureMetadataInterceptor(headers, new AtomicReference<>()));
      Set<String> stores = new HashSet<>();
      int last = 0;
      while (!writing.isDone()) {
        int shown = reader.getMedication(get(name)).getDispenses();
        assertTrue(shown >= last, shown + " was shown after " + last);
        last = shown;
        stores.add(headers.get().get(SessionOptions.key("crossfade-served-by")).split(";")[0]);
      }
      writing.join();
      assertEquals(UPDATES, reader.getMedication(get(name)).getDispenses());
      assertEquals(Set.of("source", "target"), stores);
      delete(writer, name);
    }
  }

  @Test
  void isKnownByItsToken() throws IOException {
    TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder().trustManager(new File(env("CA")));
    try (CrossfadeClient client = secure().credentials(tls.build()).token(env("TOKEN")).build();
        CrossfadeClient stranger = secure().credentials(tls.build()).build()) {
      assertEquals(1, begin(client).listMedications(list(1)).getMedicationsCount());
      StatusRuntimeException error =
          assertThrows(StatusRuntimeException.class, () -> begin(stranger).listMedications(list(1)));
      assertEquals("CREDENTIALS_MISSING", Errors.reasonOf(error).orElseThrow());
    }
  }

  @Test
  void isKnownByItsCertificate() throws IOException {
    TlsChannelCredentials.Builder tls =
        TlsChannelCredentials.newBuilder()
            .trustManager(new File(env("CA")))
            .keyManager(new File(env("CERT")), new File(env("KEY")));
    try (CrossfadeClient client = secure().credentials(tls.build()).build()) {
      assertEquals(1, begin(client).listMedications(list(1)).getMedicationsCount());
    }
  }

  @Test
  void doesNotTrustAnAuthorityThatItWasNotToldOf() {
    try (CrossfadeClient client =
        secure().retries(0).credentials(TlsChannelCredentials.create()).token(env("TOKEN")).build()) {
      StatusRuntimeException error =
          assertThrows(StatusRuntimeException.class, () -> begin(client).listMedications(list(1)));
      assertEquals(Status.Code.UNAVAILABLE, error.getStatus().getCode());
    }
  }

  @Test
  void theExampleRuns() {
    Example.main(new String[] {env("ADDRESS"), env("PATIENT")});
  }
}
