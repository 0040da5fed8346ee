package client

import (
	"io"
	"time"
)

// silence is after how long a stream without any bytes is broken. The farm sends something every 15 seconds.
const silence = 45 * time.Second

// stream is the body of an answer that is read as it arrives.
type stream struct {
	body    io.ReadCloser
	timeout *time.Timer // ends the request
	end     func()      // ends the request and the timer
}

func newStream(body io.ReadCloser, timeout *time.Timer, end func()) *stream {
	timeout.Reset(silence)
	return &stream{body: body, timeout: timeout, end: end}
}

// Read implements [io.Reader].
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	s.timeout.Reset(silence)
	return n, err
}

// Close implements [io.Closer].
func (s *stream) Close() error {
	s.end()
	return s.body.Close()
}
