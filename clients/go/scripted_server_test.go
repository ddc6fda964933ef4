package crossfade_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	crossfade "crossfade.dev/client"
	hospitalv1 "crossfade.dev/client/gen/hospital/v1"
)

// nobody listens there.
const nobody = "127.0.0.1:9"

const parent = "patients/007e7104-87fa-f67b-8ce7-2312b271e08a"

// call is one that reached a server.
type call struct {
	method   string
	metadata metadata.MD
	// Until its deadline.
	left time.Duration
}

func (c call) says(key string) string { return strings.Join(c.metadata.Get(key), ",") }

// scriptedServer is a gRPC server of medications that notes its calls, and fails the next ones as it is told.
type scriptedServer struct {
	hospitalv1.UnimplementedMedicationsServer
	address string
	server  *grpc.Server

	mu       sync.Mutex
	calls    []call
	failures []error
	// Before a call is answered.
	before func()
	// The version of the next answer; each has the next one.
	version uint64
}

func startScripted(t *testing.T, options ...grpc.ServerOption) *scriptedServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &scriptedServer{address: listener.Addr().String(), version: 1}
	s.server = grpc.NewServer(append(options, grpc.UnaryInterceptor(s.note))...)
	hospitalv1.RegisterMedicationsServer(s.server, s)
	go s.server.Serve(listener)
	t.Cleanup(s.server.Stop)
	return s
}

func (s *scriptedServer) note(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	s.mu.Lock()
	md, _ := metadata.FromIncomingContext(ctx)
	deadline, _ := ctx.Deadline()
	s.calls = append(s.calls, call{info.FullMethod[strings.LastIndex(info.FullMethod, "/")+1:], md, time.Until(deadline)})
	var failure error
	if len(s.failures) > 0 {
		failure, s.failures = s.failures[0], s.failures[1:]
	}
	before := s.before
	if failure == nil {
		grpc.SetHeader(ctx, metadata.Pairs("crossfade-version", strconv.FormatUint(s.version, 10)))
		s.version++
	}
	s.mu.Unlock()
	if before != nil {
		before()
	}
	if failure != nil {
		return nil, failure
	}
	return handler(ctx, request)
}

func (s *scriptedServer) failNext(failures ...error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = failures
}

func (s *scriptedServer) answerNextAt(version uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version = version
}

// methods are those of the calls so far, which are forgotten then.
func (s *scriptedServer) methods() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, one := range s.calls {
		names = append(names, strings.TrimSuffix(strings.TrimSuffix(one.method, "s"), "Medication"))
	}
	s.calls = nil
	return strings.Join(names, " ")
}

func (s *scriptedServer) last() call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[len(s.calls)-1]
}

func (s *scriptedServer) CreateMedication(_ context.Context, r *hospitalv1.CreateMedicationRequest) (*hospitalv1.Medication, error) {
	return &hospitalv1.Medication{Name: r.Parent + "/medications/" + r.MedicationId}, nil
}

func (s *scriptedServer) GetMedication(_ context.Context, r *hospitalv1.GetMedicationRequest) (*hospitalv1.Medication, error) {
	return &hospitalv1.Medication{Name: r.Name}, nil
}

func (s *scriptedServer) UpdateMedication(_ context.Context, r *hospitalv1.UpdateMedicationRequest) (*hospitalv1.Medication, error) {
	return r.Medication, nil
}

func (s *scriptedServer) DeleteMedication(context.Context, *hospitalv1.DeleteMedicationRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (s *scriptedServer) ListMedications(context.Context, *hospitalv1.ListMedicationsRequest) (*hospitalv1.ListMedicationsResponse, error) {
	return &hospitalv1.ListMedicationsResponse{}, nil
}

func (s *scriptedServer) BatchGetMedications(context.Context, *hospitalv1.BatchGetMedicationsRequest) (*hospitalv1.BatchGetMedicationsResponse, error) {
	return &hospitalv1.BatchGetMedicationsResponse{}, nil
}

func (s *scriptedServer) BatchCreateMedications(context.Context, *hospitalv1.BatchCreateMedicationsRequest) (*hospitalv1.BatchCreateMedicationsResponse, error) {
	return &hospitalv1.BatchCreateMedicationsResponse{}, nil
}

// failure is one of the service's own making.
func failure(code codes.Code, reason string, details map[string]string) error {
	return withDetails(code, &errdetails.ErrorInfo{Reason: reason, Domain: "crossfade.dev", Metadata: details})
}

// unavailable asks for a pause.
func unavailable(pause time.Duration) error {
	return withDetails(codes.Unavailable,
		&errdetails.ErrorInfo{Reason: "NO_LEASE", Domain: "crossfade.dev"},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(pause)})
}

func withDetails(code codes.Code, details ...protoadapt.MessageV1) error {
	failed, err := status.New(code, "scripted").WithDetails(details...)
	if err != nil {
		panic(err)
	}
	return failed.Err()
}

func connect(t *testing.T, addresses []string, options ...crossfade.ConnOption) *grpc.ClientConn {
	t.Helper()
	conn, err := crossfade.NewConn(addresses, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func clientOf(t *testing.T, addresses []string, options ...crossfade.ConnOption) hospitalv1.MedicationsClient {
	t.Helper()
	return hospitalv1.NewMedicationsClient(crossfade.NewSession(connect(t, addresses, options...)))
}

func get(id string) *hospitalv1.GetMedicationRequest {
	return &hospitalv1.GetMedicationRequest{Name: parent + "/medications/" + id}
}

func create(id, requestID string) *hospitalv1.CreateMedicationRequest {
	return &hospitalv1.CreateMedicationRequest{Parent: parent, MedicationId: id, RequestId: requestID}
}
