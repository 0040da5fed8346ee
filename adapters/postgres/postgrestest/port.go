package postgrestest

import (
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports lie below those that systems give to outgoing connections, so that no connection takes the port of a server
// while the server restarts.
const (
	firstPort = 15_000
	lastPort  = 32_000
)

// freePort returns a port on which no program listens now.
func freePort() (port int, err error) {
	const attempts = 100
	for range attempts {
		port = firstPort + rand.IntN(lastPort-firstPort)
		var listener net.Listener
		if listener, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, listener.Close()
		}
	}
	return 0, err
}
