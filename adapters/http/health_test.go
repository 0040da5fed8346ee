package http_test

import (
	"errors"
	"testing"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
)

func TestAServerIsReadyWhileItsStoreAnswers(t *testing.T) {
	if got := newClient(t).get("/readyz").want(200).body; got != `{"status":"ready"}` {
		t.Errorf("got %s", got)
	}
	c := newBrokenClient(t, errors.New("connection refused"))
	c.get("/readyz").want(503).wantProblem(api.CodeStoreUnavailable)
	if got := c.get("/healthz").want(200).body; got != `{"status":"ok"}` {
		t.Errorf("got %s, want a healthy process without its store", got)
	}
}
