package dev.crossfade.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.rpc.Code;
import dev.hospital.v1.BatchCreateMedicationsRequest;
import dev.hospital.v1.CreateMedicationRequest;
import dev.hospital.v1.GetMedicationRequest;
import dev.hospital.v1.ListMedicationsRequest;
import dev.hospital.v1.Medication;
import dev.hospital.v1.MedicationsGrpc;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The rules of a session, over real connections to a server that fails on demand. */
@Timeout(20)
class SessionTest {
  /** Nobody listens there. */
  private static final String NOBODY = "127.0.0.1:9";

  private static final String PARENT = "patients/p";
  private static final GetMedicationRequest GET = GetMedicationRequest.newBuilder().setName(PARENT + "/medications/1").build();
  private static final ListMedicationsRequest LIST = ListMedicationsRequest.newBuilder().setParent(PARENT).build();
  private static final CreateMedicationRequest CREATE =
      CreateMedicationRequest.newBuilder().setParent(PARENT).setMedicationId("1").build();
  private static final CreateMedicationRequest NAMED = CREATE.toBuilder().setRequestId("a").build();

  private FailingMedications server;
  private CrossfadeClient client;
  private Session session;
  private MedicationsGrpc.MedicationsBlockingStub stub;

  @BeforeEach
  void start() throws IOException {
    server = new FailingMedications();
    use(CrossfadeClient.builder(server.address()));
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private void use(CrossfadeClient.Builder builder) {
    if (client != null) {
      client.close();
    }
    client = builder.build();
    session = client.newSession("ann");
    stub = MedicationsGrpc.newBlockingStub(session.channel());
  }

  private String sent(int call, String name) {
    return server.calls.get(call).get(SessionOptions.key(name));
  }

  private static StatusRuntimeException unavailable() {
    return FailingMedications.error(Code.UNAVAILABLE, "NO_LEASE", 0);
  }

  private static StatusRuntimeException unknown() {
    return FailingMedications.error(Code.UNKNOWN, "OUTCOME_UNKNOWN", 0);
  }

  @Test
  void sendsBackTheVersionThatItWasLastGiven() {
    stub.createMedication(CREATE);
    assertNull(sent(0, "crossfade-version"));
    assertEquals(1, session.versionOf(GET.getName()));
    stub.getMedication(GET);
    assertEquals("1", sent(1, "crossfade-version"));
    stub.getMedication(GetMedicationRequest.newBuilder().setName(PARENT + "/medications/2").build());
    assertNull(sent(2, "crossfade-version"));
  }

  @Test
  void asksTheAuthorityOnceAfterAList() {
    stub.createMedication(CREATE);
    stub.listMedications(LIST);
    assertEquals("1", sent(1, "crossfade-version"));
    stub.getMedication(GET);
    assertEquals("authority", sent(2, "crossfade-consistency"));
    stub.getMedication(GET);
    assertNull(sent(3, "crossfade-consistency"));
  }

  @Test
  void saysWhatAReadIsForAndWhoCalls() {
    use(CrossfadeClient.builder(server.address()).caller("clinic").token(() -> "t").tokenInClear().consistency(Consistency.AT_LEAST));
    stub.getMedication(GET);
    assertEquals("at-least", sent(0, "crossfade-consistency"));
    assertEquals("clinic", sent(0, "crossfade-caller"));
    assertEquals("ann", sent(0, "crossfade-user"));
    assertEquals("Bearer t", sent(0, "authorization"));
    stub.withOption(Consistency.OPTION, Consistency.AUTHORITY).getMedication(GET);
    assertEquals("authority", sent(1, "crossfade-consistency"));
    stub.createMedication(CREATE);
    assertNull(sent(2, "crossfade-consistency"));
  }

  @Test
  void sendsReadsAndRefusedWritesAgainOnUnavailable() {
    server.failures.add(unavailable());
    stub.createMedication(CREATE);
    server.failures.add(unavailable());
    stub.getMedication(GET);
    assertEquals(4, server.calls.size());
  }

  @Test
  void waitsAsLongAsTheServiceSays() {
    server.failures.add(FailingMedications.error(Code.UNAVAILABLE, "NO_LEASE", 300));
    long startedNanos = System.nanoTime();
    stub.getMedication(GET);
    assertTrue(System.nanoTime() - startedNanos >= Duration.ofMillis(300).toNanos());
  }

  @Test
  void doesNotWaitPastTheDeadline() {
    server.failures.add(FailingMedications.error(Code.UNAVAILABLE, "NO_LEASE", 900));
    long startedNanos = System.nanoTime();
    MedicationsGrpc.MedicationsBlockingStub hurried = stub.withDeadlineAfter(800, TimeUnit.MILLISECONDS);
    StatusRuntimeException error = assertThrows(StatusRuntimeException.class, () -> hurried.getMedication(GET));
    assertEquals(Status.Code.UNAVAILABLE, error.getStatus().getCode());
    assertTrue(System.nanoTime() - startedNanos < Duration.ofMillis(800).toNanos());
    assertEquals(1, server.calls.size());
  }

  @Test
  void neverSendsAnUnnamedWriteAgainWhoseOutcomeIsNotKnown() {
    server.failures.add(unknown());
    StatusRuntimeException error = assertThrows(StatusRuntimeException.class, () -> stub.createMedication(CREATE));
    assertTrue(Errors.isOutcomeUnknown(error));
    assertEquals("OUTCOME_UNKNOWN", Errors.reasonOf(error).orElseThrow());
    assertEquals(1, server.calls.size());
  }

  @Test
  void sendsANamedWriteAgainWhoseOutcomeIsNotKnownABatchOnlyIfAllOfItIs() {
    server.failures.add(unknown());
    stub.createMedication(NAMED);
    assertEquals(2, server.calls.size());
    BatchCreateMedicationsRequest.Builder batch =
        BatchCreateMedicationsRequest.newBuilder().setParent(PARENT).addRequests(NAMED);
    server.failures.add(unknown());
    stub.batchCreateMedications(batch.build());
    assertEquals(4, server.calls.size());
    server.failures.add(unknown());
    assertThrows(StatusRuntimeException.class, () -> stub.batchCreateMedications(batch.addRequests(CREATE).build()));
    assertEquals(5, server.calls.size());
  }

  @Test
  void sendsNothingAgainThatTheServiceRefusedForGood() {
    server.failures.add(FailingMedications.error(Code.ABORTED, "ETAG_MISMATCH", 0));
    server.failures.add(FailingMedications.error(Code.RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS", 10));
    StatusRuntimeException aborted = assertThrows(StatusRuntimeException.class, () -> stub.createMedication(NAMED));
    assertFalse(Errors.isOutcomeUnknown(aborted));
    assertThrows(StatusRuntimeException.class, () -> stub.getMedication(GET));
    assertEquals(2, server.calls.size());
  }

  @Test
  void givesUpAfterAsManyTriesAsItWasTold() {
    use(CrossfadeClient.builder(server.address()).retries(2));
    for (int i = 0; i < 4; i++) {
      server.failures.add(unavailable());
    }
    assertThrows(StatusRuntimeException.class, () -> stub.getMedication(GET));
    assertEquals(3, server.calls.size());
  }

  @Test
  void passesAnAddressOverThatDoesNotAnswerForReadsAndWrites() {
    use(CrossfadeClient.builder(NOBODY, server.address()));
    stub.createMedication(CREATE);
    stub.getMedication(GET);
    assertEquals(2, server.calls.size());
  }

  @Test
  void goesToTheNextAddressOnUnavailable() throws IOException {
    try (FailingMedications other = new FailingMedications()) {
      use(CrossfadeClient.builder(server.address(), other.address()));
      server.failures.add(unavailable());
      stub.getMedication(GET);
      stub.getMedication(GET);
      assertEquals(1, server.calls.size());
      assertEquals(2, other.calls.size());
    }
  }

  @Test
  void hasADeadlineWithoutBeingTold() {
    use(CrossfadeClient.builder(server.address()).timeout(Duration.ofNanos(1)));
    StatusRuntimeException error = assertThrows(StatusRuntimeException.class, () -> stub.getMedication(GET));
    assertEquals(Status.Code.DEADLINE_EXCEEDED, error.getStatus().getCode());
  }

  @Test
  void keepsTheDeadlineOfTheCallersContext() {
    Deadline deadline = Deadline.after(400, TimeUnit.MILLISECONDS);
    server.failures.add(FailingMedications.error(Code.UNAVAILABLE, "NO_LEASE", 600));
    var timer = java.util.concurrent.Executors.newSingleThreadScheduledExecutor();
    try {
      io.grpc.Context.current()
          .withDeadline(deadline, timer)
          .run(() -> assertThrows(StatusRuntimeException.class, () -> stub.getMedication(GET)));
    } finally {
      timer.shutdownNow();
    }
    assertEquals(1, server.calls.size());
  }

  @Test
  void isCancelledWhileItWaits() throws Exception {
    server.failures.add(FailingMedications.error(Code.UNAVAILABLE, "NO_LEASE", 700));
    ListenableFuture<Medication> call = MedicationsGrpc.newFutureStub(session.channel()).getMedication(GET);
    while (server.calls.isEmpty()) {
      Thread.sleep(5);
    }
    Thread.sleep(100);
    call.cancel(true);
    assertThrows(CancellationException.class, call::get);
    Thread.sleep(900);
    assertEquals(1, server.calls.size());
  }

  @Test
  void tellsACallThatWaitsWhenItsClientIsClosed() throws Exception {
    server.failures.add(FailingMedications.error(Code.UNAVAILABLE, "NO_LEASE", 500));
    ListenableFuture<Medication> call = MedicationsGrpc.newFutureStub(session.channel()).getMedication(GET);
    while (server.calls.isEmpty()) {
      Thread.sleep(5);
    }
    Thread.sleep(100);
    client.close();
    assertThrows(java.util.concurrent.ExecutionException.class, () -> call.get(5, TimeUnit.SECONDS));
    assertEquals(1, server.calls.size());
  }

  @Test
  void aTokenThatCantBeHadIsAnErrorAlsoOfARetry() {
    AtomicInteger asked = new AtomicInteger();
    use(
        CrossfadeClient.builder(server.address())
            .tokenInClear()
            .token(
                () -> {
                  if (asked.incrementAndGet() > 1) {
                    throw new IllegalStateException("the issuer is away");
                  }
                  return "t";
                }));
    server.failures.add(unavailable());
    StatusRuntimeException error = assertThrows(StatusRuntimeException.class, () -> stub.getMedication(GET));
    assertEquals(Status.Code.UNAUTHENTICATED, error.getStatus().getCode());
  }

  @Test
  void whatTheCallerSaysItselfCounts() {
    stub.createMedication(CREATE);
    Metadata own = new Metadata();
    own.put(SessionOptions.key("crossfade-version"), "77");
    stub.withInterceptors(io.grpc.stub.MetadataUtils.newAttachHeadersInterceptor(own)).getMedication(GET);
    assertEquals("77", sent(1, "crossfade-version"));
  }

  @Test
  void givesACallTenSecondsByDefaultLongerThanAHandoverMayMakeWritersWait() {
    stub.createMedication(CREATE);
    long left = server.millisLeft.get(0);
    assertTrue(left > 5_000 && left <= 10_000, left + " ms were left");
  }

  @Test
  void movesOnFromAnInstanceThatDoesNotAnswerInTime() throws IOException {
    try (Link link = new Link(server.port())) {
      link.swallow();
      use(CrossfadeClient.builder(link.address(), server.address()).timeout(Duration.ofMillis(500)));
      StatusRuntimeException error = assertThrows(StatusRuntimeException.class, () -> stub.createMedication(CREATE));
      assertEquals(Status.Code.DEADLINE_EXCEEDED, error.getStatus().getCode());
      stub.withDeadlineAfter(10, TimeUnit.SECONDS).getMedication(GET);
    }
  }

  @Test
  @Timeout(60)
  void noticesLongBeforeADistantDeadlineThatAnInstanceHangs() throws IOException {
    try (Link link = new Link(server.port())) {
      use(CrossfadeClient.builder(link.address()).retries(0).timeout(Duration.ofMinutes(1)));
      stub.getMedication(GET);
      link.swallow();
      long begunAt = System.nanoTime();
      StatusRuntimeException error = assertThrows(StatusRuntimeException.class, () -> stub.getMedication(GET));
      assertEquals(Status.Code.UNAVAILABLE, error.getStatus().getCode());
      assertTrue(Duration.ofNanos(System.nanoTime() - begunAt).toSeconds() < 30);
    }
  }

  @Test
  void sendsATokenWithoutTlsOnlyIfItIsToldTo() {
    assertThrows(IllegalStateException.class, () -> CrossfadeClient.builder(server.address()).token("secret").build());
    use(CrossfadeClient.builder(server.address()).token("secret").tokenInClear());
    stub.getMedication(GET);
    assertEquals("Bearer secret", sent(0, "authorization"));
  }

  @Test
  void needsAnAddress() {
    assertThrows(IllegalArgumentException.class, CrossfadeClient::builder);
    assertThrows(IllegalArgumentException.class, () -> CrossfadeClient.builder("a:1", ""));
  }
}
