package http

import (
	"net"
	"sync"
)

// closeOnce is a listener that may be closed again.
type closeOnce struct {
	net.Listener
	once sync.Once
	err  error
}

// Close implements [net.Listener].
func (l *closeOnce) Close() error {
	l.once.Do(func() { l.err = l.Listener.Close() })
	return l.err
}
