package http

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	acceptPause     = 100 * time.Millisecond // until it is tried again to accept a connection that lacked something
	warningInterval = time.Minute            // between the lines in the log that say that connections are refused
)

// listener is a listener that may be closed twice, has only so many connections at one time, and knows them, so that those
// on which nobody asks anything need not keep a shutdown waiting: a browser's, opened in advance, or one of a pool.
type listener struct {
	net.Listener
	limits   Limits
	refusals refusals
	log      *slog.Logger
	warned   time.Time // used by Accept only

	once sync.Once
	err  error

	mu    sync.Mutex
	conns map[*connection]struct{}
}

func newListener(inner net.Listener, limits Limits, refusals refusals, log *slog.Logger) *listener {
	return &listener{
		Listener: inner,
		limits:   limits,
		refusals: refusals,
		log:      log,
		conns:    make(map[*connection]struct{}),
	}
}

// Accept implements [net.Listener]. It is called by one goroutine.
func (l *listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if isShortage(err) {
			// Fasthttp would stop serving for good.
			if l.mayWarn() {
				l.log.Warn("no connection can be accepted", "error", err)
			}
			time.Sleep(acceptPause)
			continue
		}
		if err != nil {
			return nil, err
		}
		if conn, ok := l.admit(inner); ok {
			return conn, nil
		}
		if l.mayWarn() {
			l.log.Warn("connections are refused, because there are too many", "limit", l.limits.Connections)
		}
		l.refusals.refuse(inner)
	}
}

// isShortage reports whether connections could not be accepted because the machine lacks something that it may soon have.
func isShortage(err error) bool {
	return slices.ContainsFunc([]error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM}, func(lack error) bool {
		return errors.Is(err, lack)
	})
}

// admit returns a connection for inner, unless there are as many as may be.
func (l *listener) admit(inner net.Conn) (net.Conn, bool) {
	conn := &connection{Conn: inner, listener: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.conns) >= l.limits.Connections {
		return nil, false
	}
	l.conns[conn] = struct{}{}
	if encrypted, ok := inner.(*tls.Conn); ok {
		return &encryptedConnection{connection: conn, tls: encrypted}, true
	}
	return conn, true
}

func (l *listener) forget(conn *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
}

// mayWarn reports whether there was no warning just before.
func (l *listener) mayWarn() bool {
	now := time.Now()
	if now.Sub(l.warned) < warningInterval {
		return false
	}
	l.warned = now
	return true
}

// Close implements [net.Listener].
func (l *listener) Close() error {
	l.once.Do(func() { l.err = l.Listener.Close() })
	return l.err
}

// cut closes the connections that are to be cut.
func (l *listener) cut(toCut func(*connection) bool) {
	for _, conn := range l.those(toCut) {
		_ = conn.Conn.Close() // its reader learns of it, and closes it for good
	}
}

// those returns the connections that are as wanted. Closing one in TLS may take some time, during which others must be able
// to end.
func (l *listener) those(wanted func(*connection) bool) []*connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	var conns []*connection
	for conn := range l.conns {
		if wanted(conn) {
			conns = append(conns, conn)
		}
	}
	return conns
}
