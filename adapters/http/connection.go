package http

import (
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"
)

// connection is a connection of a listener. It knows whether its client has sent anything, and whether the server waits for
// more, and it bounds every write: fasthttp bounds answers only, and not those to requests that it could not read.
type connection struct {
	net.Conn
	listener *listener
	begun    atomic.Bool
	awaiting atomic.Bool
	unread   atomic.Bool
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

// Write implements [net.Conn]. Its client has the write timeout to take all of p.
func (c *connection) Write(p []byte) (int, error) {
	if err := c.boundWrite(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	if err != nil {
		c.unread.Store(false) // there is no answer to lose
	}
	return n, err
}

func (c *connection) boundWrite() error {
	return c.SetWriteDeadline(time.Now().Add(c.listener.limits.WriteTimeout))
}

// leaveUnread says that the connection will be closed while its client may still be sending.
func (c *connection) leaveUnread() { c.unread.Store(true) }

// Close implements [net.Conn]. For fasthttp the connection has ended by then, so a shutdown does not wait for it.
func (c *connection) Close() error {
	if c.unread.Swap(false) {
		linger(c.Conn, time.Now().Add(c.listener.limits.ReadTimeout))
	}
	c.listener.forget(c)
	return c.Conn.Close()
}

// encryptedConnection is a connection in TLS. Fasthttp calls Handshake before it reads the first request, with the read
// timeout; it is a part of neither, so that a shutdown does not wait for clients that got no further.
type encryptedConnection struct {
	*connection
	tls *tls.Conn
}

// Handshake does what that of [tls.Conn] does.
func (c *encryptedConnection) Handshake() error {
	if err := c.boundWrite(); err != nil {
		return err
	}
	return c.tls.Handshake() //nolint:noctx // fasthttp has no context for it; the deadlines bound it
}

// ConnectionState returns that of [tls.Conn].
func (c *encryptedConnection) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }
