// Medications lists a patient's medications, creates one, updates it, reads it back and deletes it.
//
//	go run ./examples/medications
//	go run ./examples/medications -address 10.0.0.1:15051,10.0.0.2:15051 -ca ca.crt -token-env TOKEN
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"log"
	mathrand "math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	crossfade "crossfade.dev/client"
	hospitalv1 "crossfade.dev/client/gen/hospital/v1"
)

func main() {
	address := flag.String("address", "127.0.0.1:15051", "instances of the service, host:port each, with commas between them")
	patient := flag.String("patient", "patients/007e7104-87fa-f67b-8ce7-2312b271e08a", "whose medications")
	ca := flag.String("ca", "", "use TLS, and trust the authorities in this PEM file")
	tokenEnv := flag.String("token-env", "", "the environment variable that holds a bearer token; needs -ca")
	flag.Parse()
	options, err := security(*ca, *tokenEnv)
	if err != nil {
		log.Fatal(err)
	}
	conn, err := crossfade.NewConn(strings.Split(*address, ","), options...)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	session := crossfade.NewSession(conn, crossfade.WithCaller("go-example"))
	if err := run(context.Background(), hospitalv1.NewMedicationsClient(session), *patient, os.Stdout); err != nil {
		log.Fatalf("%v (reason %q, outcome unknown: %t)", err, crossfade.Reason(err), crossfade.OutcomeUnknown(err))
	}
}

func security(ca, tokenEnv string) ([]crossfade.ConnOption, error) {
	var options []crossfade.ConnOption
	if ca != "" {
		config, err := crossfade.TLSFiles{CA: ca}.Config()
		if err != nil {
			return nil, err
		}
		options = append(options, crossfade.WithTLS(config))
	}
	if tokenEnv != "" {
		options = append(options, crossfade.WithToken(crossfade.StaticToken(os.Getenv(tokenEnv))))
	}
	return options, nil
}

func run(ctx context.Context, medications hospitalv1.MedicationsClient, patient string, out io.Writer) error {
	page, err := medications.ListMedications(ctx, &hospitalv1.ListMedicationsRequest{Parent: patient, PageSize: 3})
	if err != nil {
		return err
	}
	for _, one := range page.GetMedications() {
		fmt.Fprintln(out, "listed ", one.GetName(), one.GetDescription())
	}

	// The id is the caller's, and so is the request's: sent again, it makes no second record.
	created, err := medications.CreateMedication(ctx, &hospitalv1.CreateMedicationRequest{
		Parent:       patient,
		MedicationId: strconv.FormatUint(mathrand.Uint64()>>1, 10),
		RequestId:    newRequestID(),
		Medication: &hospitalv1.Medication{
			Code:        1049544,
			Description: "Acetaminophen 325 MG Oral Tablet",
			// The service keeps microseconds, and refuses what it would have to cut.
			StartTime: timestamppb.New(time.Now().Truncate(time.Microsecond)),
		},
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "created", created.GetName(), created.GetDescription())

	// With the etag it is changed only if nobody else has changed it since.
	created.Description = "Acetaminophen 500 MG Oral Tablet"
	if _, err := medications.UpdateMedication(ctx, &hospitalv1.UpdateMedicationRequest{
		Medication: created,
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description"}},
		RequestId:  newRequestID(),
	}); err != nil {
		return err
	}

	// The session has sent its version back, so this is the update or something later, whichever store answers.
	found, err := medications.GetMedication(ctx, &hospitalv1.GetMedicationRequest{Name: created.GetName()})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "read   ", found.GetName(), found.GetDescription())

	if _, err := medications.DeleteMedication(ctx, &hospitalv1.DeleteMedicationRequest{Name: found.GetName()}); err != nil {
		return err
	}
	// The session remembers that too: no store that lags behind shows the record again.
	_, err = medications.GetMedication(ctx, &hospitalv1.GetMedicationRequest{Name: found.GetName()})
	if crossfade.Reason(err) != "RECORD_NOT_FOUND" {
		return fmt.Errorf("the record is still there: %w", err)
	}
	fmt.Fprintln(out, "deleted", crossfade.Reason(err))
	return nil
}

// newRequestID is a UUID of version 4.
func newRequestID() string {
	var id [16]byte
	rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
