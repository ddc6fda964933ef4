package crossfade_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	crossfade "crossfade.dev/client"
	crossfadev1alpha1 "crossfade.dev/client/gen/crossfade/v1alpha1"
	hospitalv1 "crossfade.dev/client/gen/hospital/v1"
)

// fromHarness is a part of a running service; without one the test is skipped.
func fromHarness(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Skipf("%s is not set: no service to test against", name)
	}
	return value
}

func TestASessionOnTheRealService(t *testing.T) {
	address, patient := fromHarness(t, "CROSSFADE_TEST_ADDRESS"), fromHarness(t, "CROSSFADE_TEST_PATIENT")
	session := crossfade.NewSession(connect(t, []string{nobody, address}), crossfade.WithCaller("go-test"))
	client := hospitalv1.NewMedicationsClient(session)
	request := &hospitalv1.CreateMedicationRequest{
		Parent:       patient,
		MedicationId: fmt.Sprint(rand.Uint64() >> 1),
		RequestId:    "6f1c2f70-0d5c-4a5e-9a8e-0123456789ab",
		Medication:   &hospitalv1.Medication{Code: 7, Description: "a drug", StartTime: &timestamppb.Timestamp{Seconds: 1_700_000_000}},
	}
	created, err := client.CreateMedication(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	first := session.Version(created.Name)
	if first == 0 {
		t.Error("the answer gave no version")
	}
	// The service knows the request again.
	if _, err := client.CreateMedication(t.Context(), request); err != nil {
		t.Errorf("sent again: %v", err)
	}
	for _, consistency := range []crossfade.Consistency{crossfade.Latency, crossfade.AtLeast, crossfade.Authority} {
		found, err := client.GetMedication(crossfade.WithConsistency(t.Context(), consistency), &hospitalv1.GetMedicationRequest{Name: created.Name})
		if err != nil || found.Description != "a drug" {
			t.Errorf("%s: %v, %v", consistency, found, err)
		}
	}
	if _, err := client.DeleteMedication(t.Context(), &hospitalv1.DeleteMedicationRequest{Name: created.Name}); err != nil {
		t.Fatal(err)
	}
	_, err = client.GetMedication(t.Context(), &hospitalv1.GetMedicationRequest{Name: created.Name})
	if status.Code(err) != codes.NotFound || crossfade.Reason(err) != "RECORD_NOT_FOUND" || session.Version(created.Name) <= first {
		t.Errorf("%v", err)
	}
}

func TestTheRealServiceRefusesAVersionThatItNeverGave(t *testing.T) {
	address, patient := fromHarness(t, "CROSSFADE_TEST_ADDRESS"), fromHarness(t, "CROSSFADE_TEST_PATIENT")
	client := hospitalv1.NewMedicationsClient(crossfade.NewSession(connect(t, []string{address})))
	_, err := client.GetMedication(crossfade.WithVersion(t.Context(), 1<<62), &hospitalv1.GetMedicationRequest{Name: patient + "/medications/1"})
	if crossfade.Reason(err) != "VERSION_FROM_THE_FUTURE" || crossfade.OutcomeUnknown(err) {
		t.Errorf("%v", err)
	}
}

func TestATokenOverTLSOnTheRealService(t *testing.T) {
	address, patient := fromHarness(t, "CROSSFADE_TEST_TLS_ADDRESS"), fromHarness(t, "CROSSFADE_TEST_PATIENT")
	config, err := crossfade.TLSFiles{CA: fromHarness(t, "CROSSFADE_TEST_CA")}.Config()
	if err != nil {
		t.Fatal(err)
	}
	token := crossfade.WithToken(crossfade.StaticToken(fromHarness(t, "CROSSFADE_TEST_TOKEN")))
	list := &hospitalv1.ListMedicationsRequest{Parent: patient, PageSize: 1}
	if _, err := clientOf(t, []string{address}, crossfade.WithTLS(config), token).ListMedications(t.Context(), list); err != nil {
		t.Error(err)
	}
	_, err = clientOf(t, []string{address}, crossfade.WithTLS(config)).ListMedications(t.Context(), list)
	if !strings.HasPrefix(crossfade.Reason(err), "CREDENTIALS_") {
		t.Errorf("without a token: %v", err)
	}
}

func TestACertificateOverTLSOnTheRealService(t *testing.T) {
	address, patient := fromHarness(t, "CROSSFADE_TEST_TLS_ADDRESS"), fromHarness(t, "CROSSFADE_TEST_PATIENT")
	config, err := crossfade.TLSFiles{
		CA:   fromHarness(t, "CROSSFADE_TEST_CA"),
		Cert: fromHarness(t, "CROSSFADE_TEST_CERT"),
		Key:  fromHarness(t, "CROSSFADE_TEST_KEY"),
	}.Config()
	if err != nil {
		t.Fatal(err)
	}
	list := &hospitalv1.ListMedicationsRequest{Parent: patient, PageSize: 1}
	if _, err := clientOf(t, []string{address}, crossfade.WithTLS(config)).ListMedications(t.Context(), list); err != nil {
		t.Error(err)
	}
}

func TestTheMigrationAPIOfTheRealService(t *testing.T) {
	session := crossfade.NewSession(connect(t, []string{fromHarness(t, "CROSSFADE_TEST_ADDRESS")}), crossfade.WithCaller("go-test"))
	migrations := crossfadev1alpha1.NewMigrationsClient(session)
	const name = "migrations/medications"
	if _, err := migrations.GetMigration(t.Context(), &crossfadev1alpha1.GetMigrationRequest{Name: name}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := migrations.WatchMigration(ctx, &crossfadev1alpha1.WatchMigrationRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := stream.Recv(); err != nil || first.GetMigration().GetName() != name {
		t.Errorf("%v, %v", first, err)
	}
	listed, err := longrunningpb.NewOperationsClient(session).ListOperations(t.Context(), &longrunningpb.ListOperationsRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range listed.GetOperations() {
		if err := operation.GetMetadata().UnmarshalTo(&crossfadev1alpha1.Job{}); err != nil {
			t.Errorf("%s: %v", operation.GetName(), err)
		}
	}
}
