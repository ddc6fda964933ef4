package crossfade

import (
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// ErrorInfo is that of an error of the service; nil: the error is not of its making.
func ErrorInfo(err error) *errdetails.ErrorInfo {
	info, _ := detail[*errdetails.ErrorInfo](err)
	return info
}

// Reason is why the service refused a call, such as RECORD_NOT_FOUND; empty: the error is not of its making. The reasons
// are those of crossfade.v1alpha1.ErrorReason without the prefix.
func Reason(err error) string {
	return ErrorInfo(err).GetReason()
}

// OutcomeUnknown says whether a write that failed may or may not have been committed: its link broke, its deadline passed
// or the service says so. Read before you write again.
func OutcomeUnknown(err error) bool {
	if err == nil || wasNotSent(err) {
		return false
	}
	switch status.Code(err) {
	case codes.Unknown, codes.DeadlineExceeded, codes.Canceled:
		return true
	case codes.Unavailable, codes.Aborted, codes.Internal:
		return Reason(err) == ""
	default:
		return false
	}
}

// retryDelay is the pause that the service asks for before the call is sent again; 0: none.
func retryDelay(err error) time.Duration {
	info, _ := detail[*errdetails.RetryInfo](err)
	return max(0, info.GetRetryDelay().AsDuration())
}

func detail[Detail proto.Message](err error) (found Detail, ok bool) {
	for _, each := range status.Convert(err).Details() {
		if found, ok = each.(Detail); ok {
			return found, true
		}
	}
	return found, false
}

// notSentError is the failure of a call that never left this process. It has the status of the failure.
type notSentError struct{ error }

func (e notSentError) GRPCStatus() *status.Status { return status.Convert(e.error) }
func (e notSentError) Unwrap() error              { return e.error }

func wasNotSent(err error) bool {
	var notSent notSentError
	return errors.As(err, &notSent)
}
