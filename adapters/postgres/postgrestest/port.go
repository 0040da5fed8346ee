package postgrestest

import (
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are below those that systems give to outgoing connections: a server that is down for a moment finds its port
// again.
const (
	firstPort = 15_000
	lastPort  = 32_000
)

// freePort returns a port that nobody listens on, now.
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
