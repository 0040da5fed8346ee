// Package connection has the connections of the server below HTTP: their number, their deadlines, how they end without the
// loss of an answer, and a TLS certificate that may be replaced while the server runs.
package connection

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
	acceptPause     = 100 * time.Millisecond // between two attempts to accept when the machine is short of something
	warningInterval = time.Minute            // between two warnings in the log
)

// Limits are those of a [Listener].
type Limits struct {
	Connections  int           // at one time
	ReadTimeout  time.Duration // for bytes of a client that the server does not use
	WriteTimeout time.Duration // for one write
}

// Listener is a listener that may be closed twice. It limits its connections and knows them. So a shutdown can close the
// ones without a request, which browsers open in advance and pools keep.
type Listener struct {
	net.Listener
	limits Limits
	reject rejections
	log    *slog.Logger
	warned time.Time // used by Accept only

	once sync.Once
	err  error

	mu    sync.Mutex
	conns map[*connection]struct{}
}

// NewListener returns a listener that accepts the connections of inner. It calls tooMany for the first request on a
// connection above the limit.
func NewListener(inner net.Listener, limits Limits, tooMany handler, log *slog.Logger) *Listener {
	return &Listener{
		Listener: inner,
		limits:   limits,
		reject:   newRejections(tooMany),
		log:      log,
		conns:    make(map[*connection]struct{}),
	}
}

// Accept implements [net.Listener]. Only one goroutine may call it.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if isShortage(err) {
			// Fasthttp would stop serving after the error.
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
			l.log.Warn("connections are rejected, because there are too many", "limit", l.limits.Connections)
		}
		l.reject.start(inner)
	}
}

// isShortage reports whether an accept failed because the machine is short of something that may soon be available.
func isShortage(err error) bool {
	return slices.ContainsFunc([]error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM}, func(short error) bool {
		return errors.Is(err, short)
	})
}

// admit returns a connection for inner, unless the limit is reached.
func (l *Listener) admit(inner net.Conn) (net.Conn, bool) {
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

func (l *Listener) forget(conn *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
}

// mayWarn reports whether the last warning is long enough ago.
func (l *Listener) mayWarn() bool {
	now := time.Now()
	if now.Sub(l.warned) < warningInterval {
		return false
	}
	l.warned = now
	return true
}

// Close implements [net.Listener].
func (l *Listener) Close() error {
	l.once.Do(func() { l.err = l.Listener.Close() })
	return l.err
}

// CutSilent closes the connections whose clients have sent nothing.
func (l *Listener) CutSilent() { l.cut(isSilent) }

// CutAwaiting closes the connections on which the server waits for a request or for the rest of one.
func (l *Listener) CutAwaiting() { l.cut(isAwaiting) }

// cut closes the connections that match. To close one with TLS may take some time, and others must be able to end
// meanwhile. So it does not hold the lock then.
func (l *Listener) cut(match func(*connection) bool) {
	l.mu.Lock()
	var conns []*connection
	for conn := range l.conns {
		if match(conn) {
			conns = append(conns, conn)
		}
	}
	l.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Conn.Close() // the goroutine that reads it gets an error, and calls connection.Close
	}
}
