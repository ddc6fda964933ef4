package crossfade_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	crossfade "crossfade.dev/client"
	hospitalv1 "crossfade.dev/client/gen/hospital/v1"
)

func TestAnInstanceThatDoesNotAnswerIsPassedOverForReadsAndWrites(t *testing.T) {
	server := startScripted(t)
	for _, addresses := range [][]string{{nobody, server.address}, {server.address, nobody}} {
		client := clientOf(t, addresses)
		if _, err := client.CreateMedication(t.Context(), create("1", "")); err != nil {
			t.Fatal(err)
		}
		if _, err := client.GetMedication(t.Context(), get("1")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestACallThatNeverLeftHasAKnownOutcome(t *testing.T) {
	_, err := clientOf(t, []string{nobody}).CreateMedication(t.Context(), create("1", ""))
	if status.Code(err) != codes.Unavailable || crossfade.OutcomeUnknown(err) {
		t.Errorf("unknown: %t, for %v", crossfade.OutcomeUnknown(err), err)
	}
}

func TestWhatTheServiceItselfRefusedAsUnavailableIsSentAgain(t *testing.T) {
	server := startScripted(t)
	client := clientOf(t, []string{server.address})
	server.failNext(unavailable(0), unavailable(0))
	if _, err := client.CreateMedication(t.Context(), create("1", "")); err != nil {
		t.Fatal(err)
	}
	server.failNext(unavailable(0))
	if _, err := client.GetMedication(t.Context(), get("1")); err != nil {
		t.Fatal(err)
	}
	if got := server.methods(); got != "Create Create Create Get Get" {
		t.Error(got)
	}
}

func TestOnlyUnavailableIsSentAgain(t *testing.T) {
	server := startScripted(t)
	client := clientOf(t, []string{server.address})
	for code, reason := range map[codes.Code]string{
		codes.ResourceExhausted: "TOO_MANY_REQUESTS",
		codes.Aborted:           "ETAG_MISMATCH",
		codes.Internal:          "INTERNAL",
		codes.DataLoss:          "VERSION_LOST",
	} {
		server.failNext(failure(code, reason, nil))
		_, err := client.GetMedication(t.Context(), get("1"))
		if status.Code(err) != code || crossfade.Reason(err) != reason || server.methods() != "Get" {
			t.Errorf("%v: %v", code, err)
		}
	}
}

func TestAWriteIsNotSentAgainWhereALinkMayHaveBroken(t *testing.T) {
	server := startScripted(t)
	client := clientOf(t, []string{server.address})
	// No ErrorInfo: not the service has said so, but something between.
	link := status.Error(codes.Unavailable, "upstream reset")
	server.failNext(link)
	_, err := client.CreateMedication(t.Context(), create("1", ""))
	if !crossfade.OutcomeUnknown(err) || server.methods() != "Create" {
		t.Errorf("%v", err)
	}
	server.failNext(link)
	if _, err := client.GetMedication(t.Context(), get("1")); err != nil || server.methods() != "Get Get" {
		t.Errorf("%v", err)
	}
}

func TestALinkThatBreaksLeavesAWritesOutcomeUnknown(t *testing.T) {
	for name, requestID := range map[string]string{"plain": "", "named": "00000000-0000-4000-8000-000000000001"} {
		dying, living := startScripted(t), startScripted(t)
		// Stop would wait for the call.
		dying.before = func() { go dying.server.Stop(); time.Sleep(50 * time.Millisecond) }
		client := clientOf(t, []string{dying.address, living.address})
		var failed []error
		hasMet := false
		// Calls go to the connected instances in turn, so soon one meets the dying one.
		for range 50 {
			if _, err := client.CreateMedication(t.Context(), create("1", requestID)); err != nil {
				failed = append(failed, err)
			}
			if hasMet = dying.methods() != ""; hasMet {
				break
			}
		}
		if !hasMet {
			t.Fatalf("%s: the link was not broken", name)
		}
		if requestID != "" && len(failed) > 0 {
			t.Errorf("named: %v", failed)
		}
		if requestID == "" && (len(failed) != 1 || !crossfade.OutcomeUnknown(failed[0])) {
			t.Errorf("plain: %v", failed)
		}
	}
}

func TestAnUnknownOutcomeIsSentAgainOnlyIfTheWriteIsNamed(t *testing.T) {
	server := startScripted(t)
	client := clientOf(t, []string{server.address})
	unknown := failure(codes.Unknown, "OUTCOME_UNKNOWN", nil)
	server.failNext(unknown)
	_, err := client.CreateMedication(t.Context(), create("1", ""))
	if !crossfade.OutcomeUnknown(err) || crossfade.Reason(err) != "OUTCOME_UNKNOWN" || server.methods() != "Create" {
		t.Errorf("plain: %v", err)
	}
	server.failNext(unknown)
	if _, err := client.CreateMedication(t.Context(), create("1", "an id")); err != nil || server.methods() != "Create Create" {
		t.Errorf("named: %v", err)
	}
	batch := func(ids ...string) error {
		request := &hospitalv1.BatchCreateMedicationsRequest{Parent: parent}
		for _, id := range ids {
			request.Requests = append(request.Requests, create("1", id))
		}
		_, err := client.BatchCreateMedications(t.Context(), request)
		return err
	}
	server.failNext(unknown)
	if err := batch("an id", ""); !crossfade.OutcomeUnknown(err) || server.methods() != "BatchCreate" {
		t.Errorf("a batch of which one is not named: %v", err)
	}
	server.failNext(unknown)
	if err := batch("an id", "another"); err != nil || server.methods() != "BatchCreate BatchCreate" {
		t.Errorf("a named batch: %v", err)
	}
}

func TestARefusalIsNoUnknownOutcome(t *testing.T) {
	server := startScripted(t)
	server.failNext(failure(codes.AlreadyExists, "RECORD_ALREADY_EXISTS", nil))
	_, err := clientOf(t, []string{server.address}).CreateMedication(t.Context(), create("1", ""))
	if crossfade.OutcomeUnknown(err) || crossfade.OutcomeUnknown(nil) {
		t.Errorf("%v", err)
	}
}

func TestItGivesUpAfterAsManyTriesAsItWasTold(t *testing.T) {
	server := startScripted(t)
	server.failNext(unavailable(0), unavailable(0), unavailable(0))
	_, err := clientOf(t, []string{server.address}, crossfade.WithRetries(2)).GetMedication(t.Context(), get("1"))
	if status.Code(err) != codes.Unavailable || server.methods() != "Get Get Get" {
		t.Errorf("%v", err)
	}
}

func TestItWaitsAsLongAsTheServiceAsks(t *testing.T) {
	server := startScripted(t)
	server.failNext(unavailable(150 * time.Millisecond))
	begun := time.Now()
	_, err := clientOf(t, []string{server.address}).GetMedication(t.Context(), get("1"))
	if waited := time.Since(begun); err != nil || waited < 150*time.Millisecond {
		t.Errorf("waited %v: %v", waited, err)
	}
}

func TestItDoesNotWaitPastTheDeadline(t *testing.T) {
	server := startScripted(t)
	server.failNext(unavailable(time.Hour))
	begun := time.Now()
	_, err := clientOf(t, []string{server.address}).GetMedication(t.Context(), get("1"))
	if waited := time.Since(begun); status.Code(err) != codes.Unavailable || waited > crossfade.DefaultTimeout/2 {
		t.Errorf("waited %v: %v", waited, err)
	}
}

func TestCallsHaveTenSecondsByDefault(t *testing.T) {
	server := startScripted(t)
	if _, err := clientOf(t, []string{server.address}).GetMedication(t.Context(), get("1")); err != nil {
		t.Fatal(err)
	}
	// A handover of authority makes writers wait for five seconds at most.
	if left := server.last().left; left <= 5*time.Second || left > 10*time.Second {
		t.Errorf("%v were left", left)
	}
}

func TestCallsEndAtTheirDeadline(t *testing.T) {
	server := startScripted(t)
	server.before = func() { time.Sleep(time.Second) }
	client := clientOf(t, []string{server.address}, crossfade.WithTimeout(100*time.Millisecond))
	_, err := client.CreateMedication(t.Context(), create("1", "an id"))
	if status.Code(err) != codes.DeadlineExceeded || !crossfade.OutcomeUnknown(err) || server.methods() != "Create" {
		t.Errorf("%v", err)
	}
}
