package crossfade

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestPausesDoubleUpToTheLastHalfOfThemAtRandom(t *testing.T) {
	plain := errors.New("a failure")
	asked, err := status.New(codes.Unavailable, "").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		attempt int
		err     error
		dice    float64
		want    time.Duration
	}{
		{0, plain, 0, 10 * time.Millisecond},
		{0, plain, 1, 20 * time.Millisecond},
		{3, plain, 1, 160 * time.Millisecond},
		{3, plain, 0, 80 * time.Millisecond},
		{6, plain, 1, time.Second},
		{1_000, plain, 1, time.Second},
		{0, asked.Err(), 1, time.Minute + 20*time.Millisecond},
	} {
		if got := pauseBefore(c.attempt, c.err, c.dice); got != c.want {
			t.Errorf("attempt %d, dice %v: %v instead of %v", c.attempt, c.dice, got, c.want)
		}
	}
}
