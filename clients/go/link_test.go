package crossfade_test

import (
	"net"
	"sync/atomic"
	"testing"
)

// link stands between a client and a server, and can swallow what passes while its connections stay: as an instance does that hangs.
type link struct {
	address string
	silent  atomic.Bool
}

func startLink(t *testing.T, to string) *link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	l := &link{address: listener.Addr().String()}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				continue
			}
			t.Cleanup(func() { near.Close(); far.Close() })
			go l.carry(near, far)
			go l.carry(far, near)
		}
	}()
	return l
}

func (l *link) swallow() { l.silent.Store(true) }

func (l *link) carry(from, to net.Conn) {
	bytes := make([]byte, 32*1024)
	for {
		count, err := from.Read(bytes)
		if err != nil {
			return
		}
		if !l.silent.Load() {
			to.Write(bytes[:count])
		}
	}
}
