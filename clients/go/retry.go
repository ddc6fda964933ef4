package crossfade

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

const (
	// The pause before the first retry; it doubles with each, up to the last, half of it at random.
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
)

// retryInterceptor sends calls again, where that has no second effect, within the call's deadline.
func retryInterceptor(retries int) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, options ...grpc.CallOption) error {
		kind := rulesOf(method).kindOf(request)
		for attempt := 0; ; attempt++ {
			var to peer.Peer
			err := invoker(ctx, method, request, reply, cc, append(options[:len(options):len(options)], grpc.Peer(&to))...)
			if err == nil {
				return nil
			}
			// grpc names the peer of every call that got a stream of its own, however it ended.
			if to.Addr == nil {
				err = notSentError{err}
			}
			if attempt >= retries || !maySendAgain(err, kind) || !pauseFor(ctx, pauseBefore(attempt, err, rand.Float64())) {
				return err
			}
		}
	}
}

// maySendAgain says whether a call may be sent again without its caller's saying so. Reads: on UNAVAILABLE. Writes: only if it
// is certain that nothing was written, because the service itself said UNAVAILABLE or the call was never sent; when the outcome
// is not known only if the write is named, as it is then recognised. Not past a deadline, nor once the caller has cancelled.
func maySendAgain(err error, kind callKind) bool {
	code := status.Code(err)
	if kind == namedWrite && OutcomeUnknown(err) {
		return code != codes.DeadlineExceeded && code != codes.Canceled
	}
	if code != codes.Unavailable {
		return false
	}
	return kind == read || Reason(err) != "" || wasNotSent(err)
}

// pauseBefore is what the service asked for, and the backoff on top of it: callers who were refused together do not come back together.
// dice: from 0 to below 1.
func pauseBefore(attempt int, err error, dice float64) time.Duration {
	backoff := lastPause
	// More doublings than these would be cut off, or overflow.
	if attempt < 16 {
		backoff = min(lastPause, firstPause<<attempt)
	}
	return retryDelay(err) + time.Duration(float64(backoff)*(0.5+dice/2))
}

// pauseFor waits, and says whether there is time left to go on: never when the pause would outlast the deadline.
func pauseFor(ctx context.Context, pause time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= pause {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
