package crossfade

import (
	"context"
	"slices"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

const (
	versionKey     = "crossfade-version"
	consistencyKey = "crossfade-consistency"
	callerKey      = "crossfade-caller"
	userKey        = "crossfade-user"

	// The most records and lists whose versions a session remembers; what was not heard of for the longest is forgotten first.
	maxVersions = 10_000
)

// Consistency is what a call asks for. No store can be named.
type Consistency string

const (
	// Latency is the default: the store that the flags choose, acknowledged writes always seen.
	Latency Consistency = "latency"
	// AtLeast is content with a state no older than the session's version, also while the authority can't be reached.
	AtLeast Consistency = "at-least"
	// Authority lets the store answer that decides what is true.
	Authority Consistency = "authority"
)

// WithConsistency says what the calls of a context ask for.
func WithConsistency(ctx context.Context, consistency Consistency) context.Context {
	return metadata.AppendToOutgoingContext(ctx, consistencyKey, string(consistency))
}

// WithVersion says the version that calls send back instead of the session's own: one that another process was given.
func WithVersion(ctx context.Context, version uint64) context.Context {
	return metadata.AppendToOutgoingContext(ctx, versionKey, strconv.FormatUint(version, 10))
}

// A Session is what one user, job or request reads and writes in order. The version that the service last gave for a record,
// or for a parent's list, goes back with the next call, so that no read shows an older state than one before it: of a record
// always, also after a NOT_FOUND; of a list as far as one version can say it, which is that of its newest record. A list gives no
// versions of its records, so the first Get of a record after a List of its parent asks for the authority. A batch that is read
// has one version too: where more is known of some of its records, the authority is asked.
//
// A Session may be used by several goroutines at once. It is cheap: make one for each user or request, over one connection.
type Session struct {
	conn     grpc.ClientConnInterface
	versions *knownVersions
	caller   string
	user     string
}

var _ grpc.ClientConnInterface = (*Session)(nil)

// A SessionOption changes what [NewSession] makes.
type SessionOption func(*Session)

// WithCaller names the calling service: flags and traces see it. A caller that has proven who it is needs none.
func WithCaller(caller string) SessionOption {
	return func(s *Session) { s.caller = caller }
}

// WithUser names the user on whose behalf calls are made: flags see it.
func WithUser(user string) SessionOption {
	return func(s *Session) { s.user = user }
}

// NewSession begins a session over a connection, which it does not close.
func NewSession(conn grpc.ClientConnInterface, options ...SessionOption) *Session {
	session := &Session{conn: conn, versions: newKnownVersions(maxVersions)}
	for _, option := range options {
		option(session)
	}
	return session
}

// Version is the version last given for a record's name; 0: none.
func (s *Session) Version(name string) uint64 { return s.versions.of(name) }

// Invoke makes a unary call, for generated clients.
func (s *Session) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	asked := askedFor(method, args)
	moment := s.versions.now()
	var header, trailer metadata.MD
	options = append(options[:len(options):len(options)], grpc.Header(&header), grpc.Trailer(&trailer))
	err := s.conn.Invoke(s.withVersions(s.withNames(ctx), asked), method, args, reply, options...)
	version, isGiven := versionIn(header, trailer)
	if err != nil {
		s.learnFromFailure(asked, err, version, isGiven, moment)
		return err
	}
	s.learn(asked, reply, version, moment)
	return nil
}

// NewStream begins a stream, for generated clients. Streams carry no versions.
func (s *Session) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	return s.conn.NewStream(s.withNames(ctx), desc, method, options...)
}

// asked is which records a call is about.
type asked struct {
	// Of one record or list; empty: the request does not know it.
	name string
	// Of a batch; nil: it is none.
	names []string
	reads bool
}

func askedFor(method string, args any) asked {
	rules := rulesOf(method)
	message, ok := args.(proto.Message)
	if !ok || rules == noRules {
		return asked{reads: rules.reads}
	}
	request := message.ProtoReflect()
	return asked{name: rules.nameOf(request), names: rules.namesOf(request), reads: rules.reads}
}

// withNames adds who calls. What the call's own context says counts.
func (s *Session) withNames(ctx context.Context) context.Context {
	if s.caller != "" && !says(ctx, callerKey) {
		ctx = metadata.AppendToOutgoingContext(ctx, callerKey, s.caller)
	}
	if s.user != "" && !says(ctx, userKey) {
		ctx = metadata.AppendToOutgoingContext(ctx, userKey, s.user)
	}
	return ctx
}

func (s *Session) withVersions(ctx context.Context, asked asked) context.Context {
	if says(ctx, versionKey) {
		return ctx
	}
	names := asked.names
	switch {
	case len(names) > 0 && !asked.reads:
		// The service compares nothing with a batch that writes.
		return ctx
	case len(names) == 0 && asked.name == "":
		return ctx
	case len(names) == 0:
		names = []string{asked.name}
	}
	version, isMoreKnown := s.leastOf(names)
	if version > 0 {
		ctx = WithVersion(ctx, version)
	}
	if asked.reads && isMoreKnown && !says(ctx, consistencyKey) {
		ctx = WithConsistency(ctx, Authority)
	}
	return ctx
}

// leastOf is the version to send. One version is compared with every record of a batch, so it is the least that is known of them;
// where more is known, by another record's version or because a list has shown it, only the authority is sure to show it all.
func (s *Session) leastOf(names []string) (least uint64, isMoreKnown bool) {
	versions := make([]uint64, 0, len(names))
	for _, name := range names {
		versions = append(versions, s.versions.of(name))
		isMoreKnown = isMoreKnown || s.versions.isShownByList(name)
	}
	least = slices.Min(versions)
	return least, isMoreKnown || slices.Max(versions) > least
}

func (s *Session) learn(asked asked, reply any, version, moment uint64) {
	for _, name := range asked.names {
		s.versions.raise(name, version, moment)
	}
	name := asked.name
	if answer, ok := reply.(proto.Message); ok && name == "" && len(asked.names) == 0 {
		name = nameIn(answer.ProtoReflect())
	}
	if name != "" {
		s.versions.raise(name, version, moment)
	}
}

// learnFromFailure notes what a failure tells of a record: that there is none, or one already. Its ErrorInfo survives every proxy.
func (s *Session) learnFromFailure(asked asked, err error, version uint64, isGiven bool, moment uint64) {
	details := ErrorInfo(err).GetMetadata()
	if !isGiven {
		version, isGiven = parseVersion(details["version"])
	}
	name := asked.name
	if len(asked.names) > 0 {
		name = details["name"]
	}
	if isGiven && name != "" {
		s.versions.raise(name, version, moment)
	}
}

func says(ctx context.Context, key string) bool {
	outgoing, _ := metadata.FromOutgoingContext(ctx)
	return len(outgoing.Get(key)) > 0
}

func versionIn(answered ...metadata.MD) (version uint64, isGiven bool) {
	for _, each := range answered {
		for _, text := range each.Get(versionKey) {
			if version, isGiven = parseVersion(text); isGiven {
				return version, true
			}
		}
	}
	return 0, false
}

func parseVersion(text string) (version uint64, isGiven bool) {
	version, err := strconv.ParseUint(text, 10, 63)
	return version, err == nil
}
