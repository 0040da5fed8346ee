package http_test

import (
	"crypto/rand"
	"errors"
	"log/slog"
	nethttp "net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

func TestARequestIsLoggedByItsRoute(t *testing.T) {
	var text logBuffer
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutChance}))
	store := memory.New()
	c := serve(t, newLoggingServer(openGate{mustFarm(store, settings)}, store, log))
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
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: withoutChance}))
	broken := failing(errors.New("no such column"))
	c := serve(t, newLoggingServer(openGate{broken}, broken, log))
	c.get("/v1/pools").want(500)
	c.get("/readyz").want(503)
	c.get("/healthz").want(200)
	c.get("/ui/overview").want(500)

	want := `level=ERROR msg=request method=GET route=/v1/pools status=500 error="no such column"
level=INFO msg=request method=GET route=/readyz status=503 error="store unavailable\nno such column"
level=ERROR msg=request method=GET route=/ui/overview status=500 error="no such column"
`
	if got := text.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestChangesByAdminsAreLoggedWithTheirKey(t *testing.T) {
	var text logBuffer
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: withoutChance}))
	store := memory.New()
	farm := mustFarm(store, settings)
	f := guardedFarm{store: store, farm: farm}
	f.client = serve(t, newLoggingServer(app.NewGate(farm, true), store, log))
	id, token := f.keyWithID(domain.Admin)
	testerID, _ := f.keyWithID(domain.Tester)
	user := f.addUser("alice", projectID).String()

	admin := f.as(token)
	admin.send("PATCH", "/v1/users/"+user, `{"labels":{"role":"buyer"}}`).want(200)
	admin.post("/v1/users", `{}`).want(422)
	admin.post("/v1/keys/"+testerID+"/revoke", "").want(200)
	admin.send("DELETE", "/v1/users/"+user, "").want(204)
	admin.get("/v1/keys").want(200)
	admin.send("HEAD", "/v1/keys", "").want(200)
	admin.post("/v1/leases", `{"users":[{}]}`).want(404)
	f.as(newToken()).send("DELETE", "/v1/users/"+user, "").want(401)
	f.send("DELETE", "/v1/users/"+user, "").want(401)
	f.as(f.key(domain.Viewer)).send("DELETE", "/v1/users/"+user, "").want(403)

	want := `level=INFO msg=request method=PATCH route=/v1/users/:user_id status=200 key_id=` + id + `
level=INFO msg=request method=POST route=/v1/users status=422 key_id=` + id + `
level=INFO msg=request method=POST route=/v1/keys/:key_id/revoke status=200 key_id=` + id + `
level=INFO msg=request method=DELETE route=/v1/users/:user_id status=204 key_id=` + id + `
`
	if got := text.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// newLoggingServer returns a server that logs to a log of the test.
func newLoggingServer(gate ports.Gate, health ports.Health, log *slog.Logger) *http.Server {
	return mustServe(http.New(gate, health, http.Settings{Limits: http.DefaultLimits()}, log))
}

// withoutChance removes the attributes of a log that differ in every run.
func withoutChance(_ []string, attr slog.Attr) slog.Attr {
	if slices.Contains([]string{slog.TimeKey, "duration_ms", "request_id"}, attr.Key) {
		return slog.Attr{}
	}
	return attr
}

// TestMain searches the log for the secrets that the tests used. So the set of secrets must be complete.
func TestTheSetOfSecretsIsComplete(t *testing.T) {
	c := newClient(t)
	_, password := c.newUser("alice", nil)
	key := rand.Text()
	var lease api.Lease
	c.postOnce(key, "/v1/leases", `{"users":[{}]}`).want(201).into(&lease)
	totp := newTOTP()
	_, totpSecret, _ := strings.Cut(totp, "secret=")
	c.send("PATCH", "/v1/users/"+lease.Users[0].UserID, `{"totp_secret":"`+totp+`"}`).want(200)
	code := c.code(lease, 0)
	token := c.newKey(`{"name":"ci","role":"tester"}`).Token
	mistyped := "Bearer " + rand.Text()
	c.sendWith(nethttp.Header{"Authorization": {mistyped}}, "GET", "/v1/pools", "").want(401)

	secrets.mu.Lock()
	defer secrets.mu.Unlock()
	for _, secret := range []string{password, key, lease.LeaseID, totpSecret, code.Code, token, mistyped} {
		if !secrets.set[secret] {
			t.Errorf("%s is not in the set of secrets", secret)
		}
	}
	if !regexp.MustCompile(`"route":"/v1/leases"`).MatchString(logged.String()) || strings.Contains(logged.String(), password) {
		t.Error("the log has no requests, or contains the password")
	}
}
