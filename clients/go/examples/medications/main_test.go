package main

import (
	"os"
	"strings"
	"testing"

	crossfade "crossfade.dev/client"
	hospitalv1 "crossfade.dev/client/gen/hospital/v1"
)

func TestTheExampleRunsAgainstTheRealService(t *testing.T) {
	address, patient := os.Getenv("CROSSFADE_TEST_ADDRESS"), os.Getenv("CROSSFADE_TEST_PATIENT")
	if address == "" || patient == "" {
		t.Skip("CROSSFADE_TEST_ADDRESS and CROSSFADE_TEST_PATIENT are not set: no service to run against")
	}
	conn, err := crossfade.NewConn([]string{address})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var out strings.Builder
	if err := run(t.Context(), hospitalv1.NewMedicationsClient(crossfade.NewSession(conn)), patient, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"created " + patient + "/medications/", "Acetaminophen 500 MG Oral Tablet\n", "deleted RECORD_NOT_FOUND\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, out.String())
		}
	}
}
