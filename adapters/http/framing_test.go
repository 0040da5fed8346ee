package http_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
)

// framedRoutes are the request lines of a route under /v1 and of a legacy route, which need no body.
var framedRoutes = []string{"POST /v1/users/" + someID + "/restore HTTP/1.1\r\n", "POST /acquire_lock?user_id=" + someID + " HTTP/1.1\r\n"}

const (
	oneChunk  = "2\r\n{}\r\n0\r\n\r\n"
	smuggled  = "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
	jsonBody  = "Content-Type: application/json\r\n"
	inChunks  = "Transfer-Encoding: chunked\r\n"
	hasLength = "Content-Length: 2\r\n"
)

// A proxy in front of the farm may read such a request in another way than the farm. A caller could then hide a second
// request in the body of the first one.
func TestARequestWithFaultyFramingIsRejectedAndTheConnectionCloses(t *testing.T) {
	tests := []struct{ name, header, body string }{
		{"a blank after Content-Length", "Content-Length : 2\r\n", "{}"},
		{"a tab after Content-Length", "Content-Length\t: 2\r\n", "{}"},
		{"a blank after Transfer-Encoding", "Transfer-Encoding : chunked\r\n", oneChunk},
		{"a blank after any name", hasLength + "X-Any : 1\r\n", "{}"},
		{"a blank before the first name", " Content-Length: 2\r\n", "{}"},

		{"Transfer-Encoding and Content-Length", inChunks + hasLength, oneChunk},
		{"Content-Length and Transfer-Encoding", hasLength + inChunks, oneChunk},
		{"both in other letters", "content-LENGTH: 2\r\ntransfer-ENCODING: Chunked\r\n", oneChunk},
		{"both, with a length of 0", "Content-Length: 0\r\n" + inChunks, oneChunk},
		{"both, without chunks", hasLength + "Transfer-Encoding: identity\r\n", "{}"},
		{"both, in HTTP/1.1 with Connection: close", "Connection: close\r\n" + hasLength + inChunks, oneChunk},
		{"Transfer-Encoding twice", inChunks + inChunks, oneChunk},
		{"identity and chunked", "Transfer-Encoding: identity\r\n" + inChunks, oneChunk},
		{"chunked and identity", inChunks + "Transfer-Encoding: identity\r\n", oneChunk},
		{"chunked twice in one header", "Transfer-Encoding: chunked, chunked\r\n", oneChunk},
		{"identity", "Transfer-Encoding: identity\r\n", ""},
		{"an unknown encoding", "Transfer-Encoding: xchunked\r\n", oneChunk},
		{"another encoding", "Transfer-Encoding: gzip, chunked\r\n", oneChunk},
		{"an encoding in quotes", "Transfer-Encoding: \"chunked\"\r\n", oneChunk},
		{"an encoding after a vertical tab", "Transfer-Encoding: \vchunked\r\n", oneChunk},
		{"an encoding with a parameter", "Transfer-Encoding: chunked;q=1\r\n", oneChunk},
		{"no encoding", "Transfer-Encoding:\r\n", oneChunk},

		{"two lengths", hasLength + "Content-Length: 3\r\n", "{}"},
		{"one length twice", hasLength + hasLength, "{}"},
		{"two lengths in one header", "Content-Length: 2, 2\r\n", "{}"},
		{"a length with a plus", "Content-Length: +2\r\n", "{}"},
		{"a length with a minus", "Content-Length: -2\r\n", "{}"},
		{"a hexadecimal length", "Content-Length: 0x2\r\n", "{}"},
		{"a length with a fraction", "Content-Length: 2.0\r\n", "{}"},
		{"a length beyond 64 bits", "Content-Length: 18446744073709551618\r\n", "{}"},
		{"no length", "Content-Length:\r\n", "{}"},

		{"a folded length", "Content-Length:\r\n 2\r\n", "{}"},
		{"a folded encoding", "Transfer-Encoding:\r\n\tchunked\r\n", oneChunk},
		{"a folded header", hasLength + "X-Any: 1\r\n 2\r\n", "{}"},
		{"a fold that hides a length", "X-Any: 1\r\n Content-Length: 2\r\n", "{}"},

		{"a line that ends without CR", "X-Any: 1\n" + hasLength, "{}"},
		{"a header that ends without CR", hasLength + "X-Any: 1\n\n" + smuggled, ""},
		{"a CR within a line", "X-Any: 1\rContent-Length: 2\r\n", "{}"},
		{"a NUL in a value", hasLength + "X-Any: 1\x00\r\n", "{}"},
		{"a NUL in a name", hasLength + "X-Any\x00: 1\r\n", "{}"},
		{"a line without a colon", hasLength + "X-Any\r\n", "{}"},
		{"a line without a name", hasLength + ": 1\r\n", "{}"},
		{"a name that is no token", hasLength + "X(Any): 1\r\n", "{}"},
		{"two hosts", hasLength + "Host: y\r\n", "{}"},

		{"a chunk with a hexadecimal prefix", inChunks, "0x2\r\n{}\r\n0\r\n\r\n"},
		{"a chunk with a plus", inChunks, "+2\r\n{}\r\n0\r\n\r\n"},
		{"a chunk with a blank before its size", inChunks, " 2\r\n{}\r\n0\r\n\r\n"},
		{"a chunk of endless size", inChunks, "ffffffffffffffffff2\r\n{}\r\n0\r\n\r\n"},
		{"a chunk without a size", inChunks, "\r\n{}\r\n0\r\n\r\n"},
		{"a chunk size that ends without CR", inChunks, "2\n{}\r\n0\r\n\r\n"},
		{"a chunk extension with LF", inChunks, "2;a\n{}\r\n0\r\n\r\n"},
		{"a chunk extension with CR", inChunks, "2;a\rb\r\n{}\r\n0\r\n\r\n"},
		{"a chunk longer than its size", inChunks, "2\r\n{} \r\n0\r\n\r\n"},
		{"a trailer with a length", inChunks, "2\r\n{}\r\n0\r\nContent-Length: 2\r\n\r\n"},
	}
	c := newClient(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, line := range framedRoutes {
				header := "Host: x\r\n" + jsonBody + test.header
				if strings.HasPrefix(test.header, " ") {
					header = test.header + "Host: x\r\n" + jsonBody
				}
				wantOneAnswer(t, c.in(t), line+header+"\r\n"+test.body)
			}
		})
	}
	t.Run("chunks in HTTP/1.0", func(t *testing.T) {
		for _, line := range framedRoutes {
			line = strings.Replace(line, "1.1", "1.0", 1)
			wantOneAnswer(t, c.in(t), line+"Host: x\r\nConnection: keep-alive\r\n"+jsonBody+inChunks+"\r\n"+oneChunk)
		}
	})
}

// wantOneAnswer fails the test unless the farm answers that a request is malformed, and no request after it.
func wantOneAnswer(t *testing.T, c client, request string) {
	t.Helper()
	conn := c.dial()
	ping(t, conn).want(200) // the connection is kept
	if _, err := io.WriteString(conn, request+smuggled); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil { // a farm that wants more does not wait for it
		t.Fatal(err)
	}
	answers, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(bytes.NewReader(answers))
	readNext(t, reader).want(400).wantProblem(api.CodeMalformed)
	if !bytes.Contains(answers, []byte("\r\nConnection: close\r\n")) {
		t.Error("the answer does not say that the connection closes")
	}
	if rest, _ := io.ReadAll(reader); len(rest) > 0 {
		t.Errorf("there is another answer: %s", rest)
	}
}

// readNext reads the next answer.
func readNext(t *testing.T, reader *bufio.Reader) answer {
	t.Helper()
	resp, err := nethttp.ReadResponse(reader, &nethttp.Request{Method: "POST"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{t, resp.StatusCode, resp.Header, string(body)}
}

func TestARequestWithUnusualButSoundFramingIsReadWhole(t *testing.T) {
	tests := []struct{ name, header, body string }{
		{"a length", hasLength, "{}"},
		{"no blank before the value", "Content-Length:2\r\n", "{}"},
		{"blanks around the value", "Content-Length: \t 2 \t\r\n", "{}"},
		{"zeros before the length", "Content-Length: 0002\r\n", "{}"},
		{"chunks", inChunks, oneChunk},
		{"chunks in other letters", "TRANSFER-encoding: CHUNKED\r\n", oneChunk},
		{"many chunks", inChunks, "1\r\n{\r\n1\r\n}\r\n00\r\n\r\n"},
		{"a chunk extension", inChunks, "2;a=b\r\n{}\r\n0;c\r\n\r\n"},
		{"a trailer", inChunks + "Trailer: X-Any\r\n", "2\r\n{}\r\n0\r\nX-Any: 1\r\n\r\n"},
		{"a name like another with an underscore", hasLength + "Content_Length: 9\r\nTransfer_Encoding: chunked\r\n", "{}"},
		{"a header without a value", hasLength + "X-Any:\r\nX-Other: \r\n", "{}"},
		{"an upgrade that is not offered", "Connection: Upgrade\r\nUpgrade: h2c\r\n" + hasLength, "{}"},
	}
	c := newClient(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, line := range framedRoutes {
				conn := c.in(t).dial()
				if _, err := io.WriteString(conn, line+"Host: x\r\n"+jsonBody+test.header+"\r\n"+test.body+smuggled); err != nil {
					t.Fatal(err)
				}
				reader := bufio.NewReader(conn)
				readNext(t, reader).want(404)
				readNext(t, reader).want(200)
			}
		})
	}
}

// The Java HttpClient writes 100-Continue, and waits for the answer without end.
func TestAClientThatWaitsForPermissionToSendItsBodyGetsIt(t *testing.T) {
	c := newClient(t)
	for _, expect := range []string{"100-continue", "100-Continue"} {
		t.Run(expect, func(t *testing.T) {
			for _, line := range framedRoutes {
				conn := c.in(t).dial()
				if _, err := io.WriteString(conn, line+"Host: x\r\nExpect: "+expect+"\r\n"+jsonBody+hasLength+"\r\n"); err != nil {
					t.Fatal(err)
				}
				reader := bufio.NewReader(conn)
				if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
					t.Fatal(err)
				}
				readNext(t, reader).want(100)
				if _, err := io.WriteString(conn, "{}"); err != nil {
					t.Fatal(err)
				}
				readNext(t, reader).want(404)
			}
		})
	}
}
