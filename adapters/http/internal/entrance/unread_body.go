package entrance

import (
	"bytes"
	"context"
	"math"

	"github.com/valyala/fasthttp"

	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/ports"
)

const (
	maxUnchecked = 16 << 10 // bytes of a body that are read before the caller is authenticated

	// rejected replaces the length of a body that is not read. No client can announce this length.
	rejected = math.MaxInt

	// permission is what a client expects that waits until it may send the body.
	permission = "100-continue"
)

// CheckHeader runs between the header of a request and its body. The server does not read the body if it is unclear where
// it ends. It does not reserve memory for a long body before the caller is authenticated. Public routes take no body, so the
// check needs no route.
func (g Guard) CheckHeader(header *fasthttp.RequestHeader) fasthttp.RequestConfig {
	const chunked = -1
	length := header.ContentLength()
	if checkFraming(header) != nil || (length > maxUnchecked || length == chunked) && g.check(header) != nil {
		header.SetContentLength(rejected) // also for a chunked body, so that fasthttp does not wait for a chunk
		header.Del(fasthttp.HeaderExpect) // fasthttp would tell the client to continue
	} else if bytes.EqualFold(header.Peek(fasthttp.HeaderExpect), []byte(permission)) {
		header.Set(fasthttp.HeaderExpect, permission) // fasthttp knows it only in these letters
	}
	return fasthttp.RequestConfig{} // the limits of the server
}

// WhyRejected returns why the body of a request was not read; nil for a request whose body was not rejected.
func (g Guard) WhyRejected(header *fasthttp.RequestHeader) error {
	if header.ContentLength() != rejected {
		return nil
	}
	if err := checkFraming(header); err != nil {
		return err
	}
	if err := g.check(header); err != nil {
		return err
	}
	return ports.ErrUnavailable // the caller is authorized by now, and can retry
}

// check returns an error if the caller is not authenticated. It runs outside of the handlers, so it has its own deadline
// and handles panics itself.
func (g Guard) check(header *fasthttp.RequestHeader) error {
	ctx, cancel := context.WithTimeout(context.Background(), RequestTimeout)
	defer cancel()
	return problem.Catch(func() error {
		token := readToken
		if isPage(header) {
			token = g.cookie
		}
		_, err := g.enter(ctx, header, token)
		return err
	})
}
