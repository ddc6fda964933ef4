package crossfade_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	crossfade "crossfade.dev/client"
	hospitalv1 "crossfade.dev/client/gen/hospital/v1"
)

func sessionWith(t *testing.T, options ...crossfade.SessionOption) (*scriptedServer, *crossfade.Session, hospitalv1.MedicationsClient) {
	server := startScripted(t)
	session := crossfade.NewSession(connect(t, []string{server.address}), options...)
	return server, session, hospitalv1.NewMedicationsClient(session)
}

// must is for calls that have to succeed.
func must[Answer any](t *testing.T) func(Answer, error) Answer {
	return func(answer Answer, err error) Answer {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

func (s *scriptedServer) expectLast(t *testing.T, version, consistency string) {
	t.Helper()
	last := s.last()
	if last.says("crossfade-version") != version || last.says("crossfade-consistency") != consistency {
		t.Errorf("%s was sent with version %q, consistency %q instead of %q, %q", last.method,
			last.says("crossfade-version"), last.says("crossfade-consistency"), version, consistency)
	}
}

func TestTheVersionLastGivenGoesBackForEachRecordByItself(t *testing.T) {
	server, session, client := sessionWith(t)
	server.answerNextAt(41)
	must[*hospitalv1.Medication](t)(client.CreateMedication(t.Context(), create("1", "")))
	server.expectLast(t, "", "")
	if got := session.Version(parent + "/medications/1"); got != 41 {
		t.Errorf("version %d", got)
	}
	must[*hospitalv1.Medication](t)(client.GetMedication(t.Context(), get("1")))
	server.expectLast(t, "41", "")
	must[*hospitalv1.Medication](t)(client.UpdateMedication(t.Context(), &hospitalv1.UpdateMedicationRequest{
		Medication: &hospitalv1.Medication{Name: get("1").Name},
	}))
	server.expectLast(t, "42", "")
	must[*hospitalv1.Medication](t)(client.GetMedication(t.Context(), get("2")))
	server.expectLast(t, "", "")
}

func TestTheVersionOfAnAbsenceIsRemembered(t *testing.T) {
	server, session, client := sessionWith(t)
	server.failNext(failure(codes.NotFound, "RECORD_NOT_FOUND", map[string]string{"version": "77"}))
	if _, err := client.GetMedication(t.Context(), get("1")); status.Code(err) != codes.NotFound {
		t.Fatal(err)
	}
	if got := session.Version(get("1").Name); got != 77 {
		t.Errorf("version %d", got)
	}
}

func TestAListIsAskedForAtItsNewestRecord(t *testing.T) {
	server, _, client := sessionWith(t)
	list := func(of string) {
		must[*hospitalv1.ListMedicationsResponse](t)(client.ListMedications(t.Context(), &hospitalv1.ListMedicationsRequest{Parent: of}))
	}
	server.answerNextAt(41)
	must[*hospitalv1.Medication](t)(client.GetMedication(t.Context(), get("1")))
	list(parent)
	server.expectLast(t, "41", "")
	list("patients/another")
	server.expectLast(t, "", "")
}

func TestTheAuthorityIsAskedOnceAfterAListWhichMayHaveShownMore(t *testing.T) {
	server, _, client := sessionWith(t)
	list := func() {
		must[*hospitalv1.ListMedicationsResponse](t)(client.ListMedications(t.Context(), &hospitalv1.ListMedicationsRequest{Parent: parent}))
	}
	server.answerNextAt(41)
	must[*hospitalv1.Medication](t)(client.GetMedication(t.Context(), get("1")))
	list()
	must[*hospitalv1.Medication](t)(client.GetMedication(crossfade.WithConsistency(t.Context(), crossfade.AtLeast), get("1")))
	server.expectLast(t, "41", "at-least")
	list()
	must[*hospitalv1.Medication](t)(client.GetMedication(t.Context(), get("1")))
	server.expectLast(t, "43", "authority")
	must[*hospitalv1.Medication](t)(client.GetMedication(t.Context(), get("1")))
	server.expectLast(t, "45", "")
}

func TestABatchIsAskedForAtTheVersionThatAllOfItReaches(t *testing.T) {
	server, session, client := sessionWith(t)
	batchGet := func(ids ...string) {
		request := &hospitalv1.BatchGetMedicationsRequest{}
		for _, id := range ids {
			request.Names = append(request.Names, get(id).Name)
		}
		must[*hospitalv1.BatchGetMedicationsResponse](t)(client.BatchGetMedications(t.Context(), request))
	}
	server.answerNextAt(41)
	must[*hospitalv1.Medication](t)(client.CreateMedication(t.Context(), create("1", "")))
	server.answerNextAt(50)
	// The parent of one is that of the batch.
	must[*hospitalv1.BatchCreateMedicationsResponse](t)(client.BatchCreateMedications(t.Context(), &hospitalv1.BatchCreateMedicationsRequest{
		Parent: parent, Requests: []*hospitalv1.CreateMedicationRequest{create("2", ""), {MedicationId: "3"}},
	}))
	server.expectLast(t, "", "")
	for id, want := range map[string]uint64{"1": 41, "2": 50, "3": 50} {
		if got := session.Version(get(id).Name); got != want {
			t.Errorf("%s: %d instead of %d", id, got, want)
		}
	}
	server.answerNextAt(50)
	batchGet("2", "3")
	server.expectLast(t, "50", "")
	server.answerNextAt(50)
	// The first record is older than the other's version, which it would never reach.
	batchGet("1", "3")
	server.expectLast(t, "41", "authority")
}

func TestAFailedBatchTellsOfTheRecordThatItNames(t *testing.T) {
	server, session, client := sessionWith(t)
	server.failNext(failure(codes.NotFound, "RECORD_NOT_FOUND", map[string]string{"version": "77", "name": get("2").Name}))
	_, err := client.BatchGetMedications(t.Context(), &hospitalv1.BatchGetMedicationsRequest{Names: []string{get("1").Name, get("2").Name}})
	if status.Code(err) != codes.NotFound || session.Version(get("2").Name) != 77 || session.Version(get("1").Name) != 0 {
		t.Errorf("%v", err)
	}
}

func TestACreateIsKnownByItsIDWhateverNameTheRecordBears(t *testing.T) {
	server, session, client := sessionWith(t)
	server.failNext(failure(codes.AlreadyExists, "RECORD_ALREADY_EXISTS", map[string]string{"version": "77"}))
	request := create("1", "")
	request.Medication = &hospitalv1.Medication{Name: get("2").Name}
	_, err := client.CreateMedication(t.Context(), request)
	if status.Code(err) != codes.AlreadyExists || session.Version(get("1").Name) != 77 || session.Version(get("2").Name) != 0 {
		t.Errorf("%v", err)
	}
}

func TestASessionSaysWhoCallsAndACallMaySayOtherwise(t *testing.T) {
	server, _, client := sessionWith(t, crossfade.WithCaller("pharmacy"), crossfade.WithUser("ann"))
	must[*hospitalv1.Medication](t)(client.GetMedication(t.Context(), get("1")))
	if last := server.last(); last.says("crossfade-caller") != "pharmacy" || last.says("crossfade-user") != "ann" {
		t.Errorf("%v", last.metadata)
	}
	must[*hospitalv1.Medication](t)(client.GetMedication(crossfade.WithVersion(context.Background(), 99), get("1")))
	server.expectLast(t, "99", "")
}

func TestSessionsShareNothingButTheConnection(t *testing.T) {
	server := startScripted(t)
	conn := connect(t, []string{server.address})
	first, second := crossfade.NewSession(conn), crossfade.NewSession(conn)
	must[*hospitalv1.Medication](t)(hospitalv1.NewMedicationsClient(first).GetMedication(t.Context(), get("1")))
	must[*hospitalv1.Medication](t)(hospitalv1.NewMedicationsClient(second).GetMedication(t.Context(), get("1")))
	server.expectLast(t, "", "")
}
