package http

import (
	"context"
	"math"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/userfarm/userfarm/ports"
)

const (
	maxUnasked = 16 << 10 // the most bytes of a body for which nobody is asked before they are read

	// unwelcome is what becomes of the length of a body that is not read, whatever it was. No client can announce as much.
	unwelcome = math.MaxInt
)

// holdOffBody keeps a long body, for which the server would have to find memory, from being read if its sender may not enter,
// whatever the route: those that are for anybody take no body. It is called between the header of a request and its body.
func (e entrance) holdOffBody(header *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if hasLongBody(header) && e.ask(header) != nil {
		header.SetContentLength(unwelcome) // of chunks, too: then fasthttp does not wait for the first of them
		header.Del(fiber.HeaderExpect)     // else the client would be told to go on
	}
	return fasthttp.RequestConfig{} // the limits of the server
}

// hasLongBody reports whether more than maxUnasked bytes may come after the header.
func hasLongBody(header *fasthttp.RequestHeader) bool {
	const chunks = -1
	length := header.ContentLength()
	return length > maxUnasked || length == chunks
}

// ask returns an error if the sender of a request may not enter. No handler is needed that bounds its time and recovers it.
func (e entrance) ask(header *fasthttp.RequestHeader) error {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	return recovered(func() error {
		_, err := e.enter(ctx, header)
		return err
	})
}

// isUnwelcome reports whether the body of a request was not read because its sender may not enter.
func isUnwelcome(header *fasthttp.RequestHeader) bool { return header.ContentLength() == unwelcome }

// whyUnwelcome returns why the sender of such a request may not enter. Who may by now has to come again.
func (e entrance) whyUnwelcome(header *fasthttp.RequestHeader) error {
	if err := e.ask(header); err != nil {
		return err
	}
	return ports.ErrUnavailable
}
