package connection

import (
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"
)

// lingerPause is how long a client may pause while it sends bytes that the server does not use.
const lingerPause = time.Second

// connection is a connection of a [Listener]. It has a deadline for every write: fasthttp sets one for answers only, and not for
// answers to requests that it could not read.
type connection struct {
	net.Conn
	listener *Listener
	begun    atomic.Bool // its client has sent something
	awaiting atomic.Bool // the server waits for more
	unread   atomic.Bool // its client may still be sending when the server closes it
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

// Write implements [net.Conn]. The client must take all of p within the write timeout.
func (c *connection) Write(p []byte) (int, error) {
	if err := c.boundWrite(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	if err != nil {
		c.unread.Store(false) // there is no answer to protect
	}
	return n, err
}

func (c *connection) boundWrite() error {
	return c.SetWriteDeadline(time.Now().Add(c.listener.limits.WriteTimeout))
}

// LeaveUnread announces that the server will close the connection while its client may still be sending.
func (c *connection) LeaveUnread() { c.unread.Store(true) }

// Close implements [net.Conn]. Fasthttp counts the connection as closed before it calls Close, so a shutdown does not wait.
func (c *connection) Close() error {
	if c.unread.Swap(false) {
		linger(c.Conn, time.Now().Add(c.listener.limits.ReadTimeout))
	}
	c.listener.forget(c)
	return c.Conn.Close()
}

// linger closes the server's side of a connection, and reads until the client closes it or pauses, or until end. To close
// a connection with unread bytes resets it, and the client may then lose the answer.
func linger(conn net.Conn, end time.Time) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // if it fails, the next read fails, too
	}
	buffer := make([]byte, 16<<10)
	for now := time.Now(); now.Before(end); now = time.Now() {
		pause := now.Add(lingerPause)
		if pause.After(end) {
			pause = end
		}
		if conn.SetReadDeadline(pause) != nil {
			return
		}
		if _, err := conn.Read(buffer); err != nil {
			return
		}
	}
}

// encryptedConnection is a connection with TLS. Fasthttp calls Handshake before it reads the first request, with the read
// timeout. A handshake does not pass through connection.Read, so a shutdown does not wait for clients in a handshake.
type encryptedConnection struct {
	*connection
	tls *tls.Conn
}

// Handshake runs that of [tls.Conn].
func (c *encryptedConnection) Handshake() error {
	if err := c.boundWrite(); err != nil {
		return err
	}
	return c.tls.Handshake() //nolint:noctx // fasthttp has no context for it; the deadlines bound it
}

// ConnectionState returns that of [tls.Conn].
func (c *encryptedConnection) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }
