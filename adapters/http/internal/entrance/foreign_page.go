package entrance

import (
	"bytes"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
)

// rejectForeignPages rejects a request that a browser may have sent for a page of another site. A farm that serves its own
// machine without an API key could get one from any page that is open on that machine. The page can post a form. Or the
// name of its site changes to 127.0.0.1 (DNS rebinding), and then the page can even read the answers.
func rejectForeignPages(header *fasthttp.RequestHeader) error {
	host := string(header.Host())
	foreign := !isLoopback(host) || hasManyHosts(header)
	for _, origin := range header.PeekAll(fiber.HeaderOrigin) {
		foreign = foreign || !isOriginOf(string(origin), host)
	}
	for _, site := range header.PeekAll("Sec-Fetch-Site") {
		foreign = foreign || strings.EqualFold(string(site), "cross-site") || strings.EqualFold(string(site), "same-site")
	}
	if foreign {
		return problem.Explain(domain.ErrForbidden, "A page of another site must not reach a farm that has no API key. "+
			"Make one (userfarm keys create), or start the farm with --insecure.")
	}
	return nil
}

// hasManyHosts reports whether a request has several Host headers. Fasthttp keeps only the last one.
func hasManyHosts(header *fasthttp.RequestHeader) bool {
	hosts := 0
	for line := range bytes.Lines(header.RawHeaders()) {
		if name, _, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte(fiber.HeaderHost)) {
			hosts++
		}
	}
	return hosts > 1
}

// isLoopback reports whether a host, with or without a port, is always the caller's own machine.
func isLoopback(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false
	}
	address, _ := netip.ParseAddr(name) // zero for a name
	return strings.EqualFold(name, "localhost") || address.Unmap().IsLoopback()
}

// isOriginOf reports whether pages of the host have the origin.
func isOriginOf(origin, host string) bool {
	parsed, err := url.Parse(origin)
	return err == nil && strings.EqualFold(parsed.Host, host)
}
