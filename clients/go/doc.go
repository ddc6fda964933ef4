// Package crossfade is a thin client of a Crossfade records API. It adds to the code that protoc-gen-go-grpc writes what
// a careful caller of the service does by hand otherwise:
//
//   - [NewConn] makes an ordinary [google.golang.org/grpc.ClientConn] to one or more instances, whose calls have a
//     deadline by default and are sent again where that is safe.
//   - [NewSession] wraps a connection for one user, job or request: what it has been shown, or has written, is never older
//     afterwards, whichever store answers.
//   - [Reason], [ErrorInfo] and [OutcomeUnknown] say what an error means.
//
// A Session is a [google.golang.org/grpc.ClientConnInterface], so it goes where generated clients take a connection:
//
//	conn, err := crossfade.NewConn([]string{"127.0.0.1:15051"})
//	…
//	session := crossfade.NewSession(conn, crossfade.WithCaller("pharmacy"))
//	medications := hospitalv1.NewMedicationsClient(session)
package crossfade
