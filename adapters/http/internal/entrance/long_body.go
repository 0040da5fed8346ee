package entrance

import (
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
)

// CheckLongBody runs between the header of a request and its body. It authenticates the caller of a long body before the
// server reserves memory for it. The body of a rejected caller is not read. Public routes take no body, so the check needs
// no route.
func (g Guard) CheckLongBody(header *fasthttp.RequestHeader) fasthttp.RequestConfig {
	const chunked = -1
	length := header.ContentLength()
	if (length > maxUnchecked || length == chunked) && g.check(header) != nil {
		header.SetContentLength(rejected) // also for a chunked body, so that fasthttp does not wait for a chunk
		header.Del(fasthttp.HeaderExpect) // fasthttp would tell the client to continue
	}
	return fasthttp.RequestConfig{} // the limits of the server
}

// WhyRejected returns why the body of a request was not read; nil for a request whose body was not rejected.
func (g Guard) WhyRejected(header *fasthttp.RequestHeader) error {
	if header.ContentLength() != rejected {
		return nil
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
		_, err := g.enter(ctx, header)
		return err
	})
}
