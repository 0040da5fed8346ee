package http_test

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
)

func TestARequestIsLoggedByItsRoute(t *testing.T) {
	var text logBuffer
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime}))
	store := memory.New()
	c := serve(t, http.New(app.New(store, settings), store, log))
	c.get("/v1/leases/" + someID).want(404)
	c.get("/v1/users?login=alice").want(200)
	c.post("/v1/leases", `{"users":[{"env":"secret"}]}`).want(404)
	c.get("/nothing/" + someID).want(404)
	c.send("DELETE", "/v1/leases/"+someID, "").want(405)
	c.post("/v1/leases/"+someID+"/release", strings.Repeat("x", 1<<20+1)).want(413)

	want := `level=DEBUG msg=request method=GET route=/v1/leases/:lease_id status=404
level=DEBUG msg=request method=GET route=/v1/users status=200
level=DEBUG msg=request method=POST route=/v1/leases status=404
level=DEBUG msg=request method=GET route=/ status=404
level=DEBUG msg=request method=DELETE route=/ status=405
level=DEBUG msg="request not read" status=413
`
	if got := text.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAFailureIsLoggedAtItsLevelWithItsError(t *testing.T) {
	var text logBuffer
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	broken := failing(errors.New("no such column"))
	c := serve(t, http.New(broken, broken, log))
	c.get("/v1/pools").want(500)
	c.get("/readyz").want(503)
	c.get("/healthz").want(200)

	want := `level=ERROR msg=request method=GET route=/v1/pools status=500 error="no such column"
level=INFO msg=request method=GET route=/readyz status=503 error="store unavailable\nno such column"
`
	if got := text.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func withoutTime(_ []string, attr slog.Attr) slog.Attr {
	if attr.Key == slog.TimeKey || attr.Key == "duration" {
		return slog.Attr{}
	}
	return attr
}

// What the suite's TestMain looks for in the log, and does not find, is what the tests used.
func TestTheSuiteKnowsItsSecrets(t *testing.T) {
	c := newClient(t)
	_, password := c.newUser("alice", nil)
	key := rand.Text()
	var lease http.Lease
	c.postOnce(key, "/v1/leases", `{"users":[{}]}`).want(201).into(&lease)
	secrets.mu.Lock()
	defer secrets.mu.Unlock()
	if !secrets.set[password] || !secrets.set[lease.LeaseID] || !secrets.set[key] {
		t.Error("a secret is not known")
	}
	if !regexp.MustCompile(`"route":"/v1/leases"`).MatchString(logged.String()) || strings.Contains(logged.String(), password) {
		t.Error("the log is not what it should be")
	}
}
