package http

import (
	"net"
	"sync"
	"sync/atomic"
)

// listener is a listener that may be closed twice and knows its connections, so that those on which nobody asks anything
// need not keep a shutdown waiting: a browser's, opened in advance, or one of a pool.
type listener struct {
	net.Listener
	once sync.Once
	err  error

	mu    sync.Mutex
	conns map[*connection]struct{}
}

func newListener(inner net.Listener) *listener {
	return &listener{Listener: inner, conns: make(map[*connection]struct{})}
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn := &connection{Conn: inner, listener: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[conn] = struct{}{}
	return conn, nil
}

// Close implements [net.Listener].
func (l *listener) Close() error {
	l.once.Do(func() { l.err = l.Listener.Close() })
	return l.err
}

// cut closes the connections that are to be cut.
func (l *listener) cut(toCut func(*connection) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.conns {
		if toCut(conn) {
			_ = conn.Conn.Close() // its reader learns of it, and closes it for good
		}
	}
}

// connection knows whether its client has sent anything, and whether the server waits for more.
type connection struct {
	net.Conn
	listener *listener
	begun    atomic.Bool
	awaiting atomic.Bool
}

func isSilent(c *connection) bool { return !c.begun.Load() }

func isAwaiting(c *connection) bool { return c.awaiting.Load() }

// Read implements [net.Conn].
func (c *connection) Read(p []byte) (int, error) {
	c.awaiting.Store(true)
	defer c.awaiting.Store(false)
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.begun.Store(true)
	}
	return n, err
}

// Close implements [net.Conn].
func (c *connection) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.conns, c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}
