package entrance

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"github.com/userfarm/userfarm/adapters/http/problem"
)

// checkFraming returns an error if other programs may disagree about where the request ends (RFC 9112, 2.2, 5 and 6.1).
// Fasthttp accepts such requests. Behind a proxy that reads them in another way, a caller could hide a second request in
// the body of the first one.
func checkFraming(header *fasthttp.RequestHeader) error {
	hasLength, encodings, chunked := false, 0, false
	for line := range bytes.SplitSeq(header.RawHeaders(), []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.IndexByte(line, '\n') >= 0:
			return problem.Explain(problem.ErrMalformed, "A line of the header ends with LF instead of CR LF.")
		case bytes.ContainsAny(name, " \t"):
			return problem.Explain(problem.ErrMalformed, "A line of the header begins with a blank, or has one before its colon.")
		case bytes.EqualFold(name, []byte(fasthttp.HeaderContentLength)):
			hasLength = true // fasthttp rejects a second one
		case bytes.EqualFold(name, []byte(fasthttp.HeaderTransferEncoding)):
			encodings++
			chunked = bytes.EqualFold(bytes.TrimSpace(value), []byte("chunked"))
		}
	}
	if encodings > 0 && (encodings > 1 || !chunked || hasLength || !header.IsHTTP11()) {
		return problem.Explain(problem.ErrMalformed,
			"Transfer-Encoding must be chunked. It may be given once, without Content-Length, and only in HTTP/1.1.")
	}
	return nil
}
