package crossfade

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

const (
	// DefaultTimeout is how long a call may take, with all its retries, if its context has no deadline.
	// Longer than a handover of authority may make writers wait, which is five seconds unless the service is told otherwise.
	DefaultTimeout = 10 * time.Second
	// DefaultRetries is how often a call that may safely be sent again is.
	DefaultRetries = 8

	// An instance that was away is tried again after the first pause, and then ever more seldom, up to the last.
	firstReconnectPause = 100 * time.Millisecond
	lastReconnectPause  = time.Second
	connectTimeout      = 5 * time.Second

	// While a call is under way and nothing comes for this long, the instance is asked for a sign of life.
	keepaliveInterval = 10 * time.Second
	// Without one its connection is closed: calls fail as UNAVAILABLE, and the next ones go elsewhere.
	keepaliveTimeout = 5 * time.Second

	// Calls go to all instances in turn, so that the retry of a call meets another one.
	serviceConfig = `{"loadBalancingConfig": [{"round_robin": {}}]}`
	// The scheme of a connection to several addresses.
	addressesScheme = "crossfade"
)

// A ConnOption changes what [NewConn] makes.
type ConnOption func(*connOptions)

type connOptions struct {
	timeout time.Duration
	retries int
	tls     *tls.Config
	token   TokenSource
	// Whether the token may go without TLS.
	inClear bool
	dial    []grpc.DialOption
}

// A TokenSource gives the bearer token of a call. It is asked for each call, so that tokens can be renewed.
type TokenSource func(ctx context.Context) (string, error)

// WithTimeout sets how long a call may take if its context has no deadline. Default: [DefaultTimeout].
func WithTimeout(timeout time.Duration) ConnOption {
	return func(o *connOptions) { o.timeout = timeout }
}

// WithRetries sets how often a call that may safely be sent again is; 0: never. Default: [DefaultRetries].
func WithRetries(retries int) ConnOption {
	return func(o *connOptions) { o.retries = retries }
}

// WithTLS makes the connection use TLS; an empty config trusts the system's authorities. [TLSFiles] reads one from files.
func WithTLS(config *tls.Config) ConnOption {
	return func(o *connOptions) { o.tls = config }
}

// WithToken sends a bearer token with each call. It needs [WithTLS], or [WithTokenInClear].
func WithToken(source TokenSource) ConnOption {
	return func(o *connOptions) { o.token = source }
}

// WithTokenInClear lets a token go without TLS, where whoever is on the way can read it: for a proxy on the same machine that does TLS.
func WithTokenInClear() ConnOption {
	return func(o *connOptions) { o.inClear = true }
}

// StaticToken is a token that never changes.
func StaticToken(token string) TokenSource {
	return func(context.Context) (string, error) { return token, nil }
}

// WithDialOptions adds options of grpc, after Crossfade's own: interceptors, stats handlers, another balancer.
func WithDialOptions(options ...grpc.DialOption) ConnOption {
	return func(o *connOptions) { o.dial = append(o.dial, options...) }
}

// NewConn makes a connection to the instances of a service, host:port each. It connects with the first call. One address
// may be any target that grpc knows, such as a DNS name with an address for each instance. Close it when it is not needed any more.
func NewConn(addresses []string, options ...ConnOption) (*grpc.ClientConn, error) {
	o := connOptions{timeout: DefaultTimeout, retries: DefaultRetries}
	for _, option := range options {
		option(&o)
	}
	if o.token != nil && o.tls == nil && !o.inClear {
		return nil, errors.New("crossfade: a token is sent over TLS only: add WithTLS, or WithTokenInClear to let others read it")
	}
	target, dial, err := resolveTo(addresses)
	if err != nil {
		return nil, err
	}
	dial = append(dial, o.dialOptions()...)
	return grpc.NewClient(target, append(dial, o.dial...)...)
}

func resolveTo(addresses []string) (target string, dial []grpc.DialOption, err error) {
	if len(addresses) == 0 || slices.Contains(addresses, "") {
		return "", nil, fmt.Errorf("crossfade: a connection needs at least one address, and none that is empty: %q", addresses)
	}
	if len(addresses) == 1 {
		return addresses[0], nil, nil
	}
	state := resolver.State{}
	for _, address := range addresses {
		// The name in the certificate is that of the instance, not that of the first.
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{
			Addresses: []resolver.Address{{Addr: address, ServerName: address}},
		})
	}
	builder := manual.NewBuilderWithScheme(addressesScheme)
	builder.InitialState(state)
	return addressesScheme + ":///" + addresses[0], []grpc.DialOption{grpc.WithResolvers(builder)}, nil
}

func (o *connOptions) dialOptions() []grpc.DialOption {
	reconnect := backoff.DefaultConfig
	reconnect.BaseDelay, reconnect.MaxDelay = firstReconnectPause, lastReconnectPause
	transport := insecure.NewCredentials()
	if o.tls != nil {
		transport = credentials.NewTLS(o.tls)
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: connectTimeout}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveInterval, Timeout: keepaliveTimeout}),
		grpc.WithChainUnaryInterceptor(deadlineInterceptor(o.timeout), retryInterceptor(o.retries)),
	}
	if o.token != nil {
		dial = append(dial, grpc.WithPerRPCCredentials(bearer{o.token, !o.inClear}))
	}
	return dial
}

// deadlineInterceptor bounds unary calls that have no deadline. Streams may be meant to stay open.
func deadlineInterceptor(timeout time.Duration) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, options ...grpc.CallOption) error {
		if _, ok := ctx.Deadline(); !ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		return invoker(ctx, method, request, reply, cc, options...)
	}
}

// bearer is a token as grpc's credentials of a call.
type bearer struct {
	source   TokenSource
	needsTLS bool
}

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b.source(ctx)
	if err != nil {
		return nil, fmt.Errorf("crossfade: no token could be had: %w", err)
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.needsTLS }
