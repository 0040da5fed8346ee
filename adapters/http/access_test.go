package http_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	otherProjectID = "6f0c7a52-1f0b-4a55-9d3f-7f6f3a1f2b11"

	newUserBody = `{"login":"{login}","password":"p","project_id":"{project_id}","env":"e","domain":"d"}`
	importBody  = newUserBody + "\n"
)

// wholeFarm is the operation that no API key may call that is limited to projects.
const wholeFarm = "GET /metrics"

// calls has a call of every operation, about a user, a lease or an API key of a project. It has the status for callers with
// the least role or a higher one.
var calls = []struct {
	operation string
	body      string
	least     domain.Role // empty if no API key is needed
	own       int         // the status for an API key of all projects, or of this one
	foreign   int         // that for an API key of another project
}{
	{"GET /", ``, "", 302, 302},
	{"GET /healthz", ``, "", 200, 200},
	{"GET /readyz", ``, "", 200, 200},
	{"GET /openapi.yaml", ``, "", 200, 200},
	{"GET /docs", ``, "", 200, 200},
	{"GET /docs/{file}", ``, "", 200, 200},
	{"GET /ping", ``, "", 200, 200},

	{wholeFarm, ``, domain.Viewer, 200, 403},
	{"GET /v1/users", ``, domain.Viewer, 200, 200},
	{"GET /v1/users/{user_id}", ``, domain.Viewer, 200, 404},
	{"GET /v1/pools", ``, domain.Viewer, 200, 200},
	{"GET /v1/projects", ``, domain.Viewer, 200, 200},
	{"GET /v1/projects/names", ``, domain.Viewer, 200, 200},
	{"GET /v1/line", ``, domain.Viewer, 200, 200},
	{"GET /v1/pools/advice", ``, domain.Viewer, 200, 200},
	{"GET /v1/events", ``, domain.Viewer, 200, 200},
	{"GET /v1/events/stream", ``, domain.Viewer, 200, 200},

	{"POST /v1/leases", `{"users":[{"user_id":"{user_id}"}]}`, domain.Tester, 201, 404},
	{"GET /v1/leases/{lease_id}", ``, domain.Tester, 200, 404},
	{"POST /v1/leases/{lease_id}/renew", ``, domain.Tester, 200, 404},
	{"POST /v1/leases/{lease_id}/release", ``, domain.Tester, 204, 404},
	{"POST /v1/leases/{lease_id}/users/{user_id}/otp", ``, domain.Tester, 200, 404},
	{"GET /v1/leases/{lease_id}/users/{user_id}/session", ``, domain.Tester, 200, 404},
	{"PUT /v1/leases/{lease_id}/users/{user_id}/session", `{"session":"cookies"}`, domain.Tester, 200, 404},
	{"DELETE /v1/leases/{lease_id}/users/{user_id}/session", ``, domain.Tester, 204, 404},
	{"POST /create_user", newUserBody, domain.Tester, 200, 403},
	{"GET /get_users", ``, domain.Tester, 200, 200},
	{"POST /acquire_lock", `{"user_id":"{user_id}"}`, domain.Tester, 200, 404},
	{"POST /release_lock", `{"user_id":"{user_id}"}`, domain.Tester, 200, 404},

	{"POST /v1/users", newUserBody, domain.Admin, 201, 403},
	{"POST /v1/users/import", importBody, domain.Admin, 200, 422},
	{"POST /v1/users/import/{import_id}/finish", `{"rows":1}`, domain.Admin, 404, 404},
	{"POST /v1/users/export", ``, domain.Admin, 200, 200},
	{"PATCH /v1/users/{user_id}", `{"labels":{"role":"admin"}}`, domain.Admin, 200, 404},
	{"DELETE /v1/users/{user_id}", ``, domain.Admin, 204, 404},
	{"POST /v1/users/{user_id}/quarantine", `{"reason":"r"}`, domain.Admin, 200, 404},
	{"POST /v1/users/{user_id}/restore", ``, domain.Admin, 200, 404},
	{"POST /v1/users/{user_id}/force-release", ``, domain.Admin, 200, 404},
	{"PUT /v1/projects/{project_id}", `{"name":"n"}`, domain.Admin, 200, 403},
	{"POST /v1/keys", `{"name":"n","role":"viewer","projects":["{project_id}"]}`, domain.Admin, 201, 403},
	{"GET /v1/keys", ``, domain.Admin, 200, 200},
	{"GET /v1/keys/{key_id}", ``, domain.Admin, 200, 404},
	{"POST /v1/keys/{key_id}/revoke", ``, domain.Admin, 200, 404},
}

func TestEveryOperationIsCalled(t *testing.T) {
	var described, called []string
	for path, item := range contract().doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	for _, call := range calls {
		called = append(called, call.operation)
	}
	slices.Sort(described)
	slices.Sort(called)
	if !slices.Equal(described, called) {
		t.Errorf("called are\n%s\ndescribed are\n%s", strings.Join(called, "\n"), strings.Join(described, "\n"))
	}
}

func TestTheDescriptionMarksOperationsThatNeedAnAPIKey(t *testing.T) {
	doc := contract().doc
	if len(doc.Security) != 1 || doc.Components.SecuritySchemes["bearer"] == nil {
		t.Error("nothing says that API keys are needed")
	}
	for _, call := range calls {
		method, path, _ := strings.Cut(call.operation, " ")
		operation := doc.Paths.Value(path).GetOperation(method)
		if open := operation.Security != nil && len(*operation.Security) == 0; open != (call.least == "") {
			t.Errorf("%s is described as public: %t", call.operation, open)
		}
		for _, status := range []int{401, 403, 429} {
			if refused := operation.Responses.Status(status) != nil; refused != (call.least != "") {
				t.Errorf("%s is described as answering %d: %t", call.operation, status, refused)
			}
		}
	}
}

// guardedFarm is a farm that needs an API key, and its client.
type guardedFarm struct {
	client
	store *memory.Store
	farm  *app.Farm
	gate  *app.Gate
}

func newGuardedFarm(t testing.TB) guardedFarm {
	t.Helper()
	f, server := guardFarm()
	f.client = serve(t, server)
	f.key(domain.Admin)
	return f
}

// inGuardedFarm runs test in a synctest bubble with a farm that needs an API key. The pauses of the gate after unknown
// tokens take no real time there.
func inGuardedFarm(t *testing.T, test func(t *testing.T, f guardedFarm)) {
	t.Helper()
	f, server := guardFarm()
	inBubble(t, server, func(t *testing.T, dial func() net.Conn) {
		f.client = overPipes(t, dial)
		f.key(domain.Admin)
		test(t, f)
	})
}

func guardFarm() (guardedFarm, *http.Server) {
	store := memory.New()
	farm := mustFarm(store, settings)
	gate := app.NewGate(farm, true)
	server := mustServe(http.New(gate, store, http.Settings{Limits: http.DefaultLimits(), Metrics: metricsPage}, newLog()))
	return guardedFarm{store: store, farm: farm, gate: gate}, server
}

// key creates an API key for the projects, or for all projects if there are none, and returns its token.
func (f guardedFarm) key(role domain.Role, projects ...domain.ProjectID) string {
	f.t.Helper()
	_, token := f.keyWithID(role, projects...)
	return token
}

func (f guardedFarm) keyWithID(role domain.Role, projects ...domain.ProjectID) (id, token string) {
	f.t.Helper()
	key, secret, err := f.farm.CreateKey(f.t.Context(), f.spec(role, projects))
	if err != nil {
		f.t.Fatal(err)
	}
	return key.ID.String(), secret.Reveal()
}

func (guardedFarm) spec(role domain.Role, projects []domain.ProjectID) domain.KeySpec {
	spec := domain.KeySpec{Name: "a key", Role: role}
	if len(projects) > 0 {
		spec.Scope = domain.Only(projects...)
	}
	return spec
}

// keyFor creates an API key for all projects with a time to live, and returns its token.
func (f guardedFarm) keyFor(role domain.Role, ttl time.Duration) string {
	f.t.Helper()
	spec := f.spec(role, nil)
	spec.TTL = ttl
	_, token, err := f.farm.CreateKey(f.t.Context(), spec)
	if err != nil {
		f.t.Fatal(err)
	}
	return token.Reveal()
}

// expiredKey returns the token of an API key that has expired.
func (f guardedFarm) expiredKey(role domain.Role) string {
	f.t.Helper()
	token, spec := domain.NewToken(), f.spec(role, nil)
	spec.TTL = time.Second
	_, err := f.store.AddKey(f.t.Context(), func(now time.Time) (domain.APIKey, []domain.Event, error) {
		key, err := domain.NewAPIKey(now.Add(-spec.TTL), token, spec)
		return key, nil, err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return token.Reveal()
}

// revokedKey returns the token of an API key that was revoked.
func (f guardedFarm) revokedKey(role domain.Role) string {
	f.t.Helper()
	id, token := f.keyWithID(role)
	f.revoke(id)
	return token
}

// revoke ends an API key.
func (f guardedFarm) revoke(id string) {
	f.t.Helper()
	key, _ := read.ID[domain.APIKeyID](id)
	if _, err := f.farm.RevokeKey(f.t.Context(), key, ""); err != nil {
		f.t.Fatal(err)
	}
}

func project(t testing.TB, text string) domain.ProjectID {
	t.Helper()
	id, ok := read.ID[domain.ProjectID](text)
	if !ok {
		t.Fatalf("%s is no project", text)
	}
	return id
}

// addUser adds a user of the project with the login, whose second factor has codes.
func (f guardedFarm) addUser(login, projectID string) domain.UserID {
	f.t.Helper()
	totp, err := domain.ParseTOTP(newTOTP())
	if err != nil {
		f.t.Fatal(err)
	}
	user, err := f.farm.CreateUser(f.t.Context(), domain.Spec{
		Login: login, Password: domain.NewSecret(newPassword()), TOTP: totp,
		Pool: domain.Pool{ProjectID: project(f.t, projectID), Env: "e", Domain: "d"},
	}, domain.IdempotencyKey{})
	if err != nil {
		f.t.Fatal(err)
	}
	return user.ID
}

// lease takes a lease of a user, and returns its id.
func (f guardedFarm) lease(user domain.UserID) string {
	f.t.Helper()
	lease, err := f.farm.Acquire(f.t.Context(), []domain.Selector{{UserID: user}}, domain.Terms{}, domain.IdempotencyKey{})
	if err != nil {
		f.t.Fatal(err)
	}
	return lease.ID.Reveal()
}

// saveSession saves a session of a user of a lease.
func (f guardedFarm) saveSession(lease string, user domain.UserID) {
	f.t.Helper()
	id, _ := read.ID[domain.LeaseID](lease)
	if _, err := f.farm.SaveSession(f.t.Context(), id, user, domain.NewSession{Text: domain.NewSecret("cookies")}); err != nil {
		f.t.Fatal(err)
	}
}

// about returns the ids for a call: a new user, lease and API key of the project that tests use.
func (f guardedFarm) about(operation string) *strings.Replacer {
	f.t.Helper()
	user, lease := f.addUser("user-"+rand.Text(), projectID), someID
	if strings.Contains(operation, "{lease_id}") {
		lease = f.lease(user)
	}
	if strings.HasPrefix(operation, "GET") && strings.HasSuffix(operation, "/session") {
		f.saveSession(lease, user)
	}
	key, _ := f.keyWithID(domain.Viewer, project(f.t, projectID))
	return strings.NewReplacer("{file}", "swagger-ui.css", "{user_id}", user.String(), "{lease_id}", lease, "{key_id}", key, "{import_id}", someID,
		"{project_id}", projectID, "{login}", "new-"+rand.Text())
}

// call calls an operation, and returns the answer. It does not wait for the end of a stream of events.
func (f guardedFarm) call(token, method, operation, body string) answer {
	f.t.Helper()
	about := f.about(operation)
	_, path, _ := strings.Cut(operation, " ")
	c := f.as(token)
	if token != "" && strings.HasSuffix(path, "/stream") {
		return c.send("HEAD", path, "")
	}
	return c.send(method, about.Replace(path), about.Replace(body))
}

var roles = []domain.Role{domain.Viewer, domain.Tester, domain.Admin}

// TestEveryOperationChecksTheRoleAndTheScope calls every operation with every role and scope.
func TestEveryOperationChecksTheRoleAndTheScope(t *testing.T) {
	for _, call := range calls {
		t.Run(call.operation, func(t *testing.T) {
			inGuardedFarm(t, func(t *testing.T, f guardedFarm) {
				method, _, _ := strings.Cut(call.operation, " ")
				methods := []string{method}
				if method == "GET" {
					methods = append(methods, "HEAD")
				}
				try := func(caller, token string, want int) {
					t.Helper()
					if call.least == "" {
						want = call.own // for every caller
					}
					for _, method := range methods {
						if got := f.call(token, method, call.operation, call.body); got.status != want {
							t.Errorf("%s: %s got %d %s, want %d", caller, method, got.status, got.body, want)
						}
					}
				}
				limited := call.own // for API keys that are limited to some projects, with this one
				if call.operation == wholeFarm {
					limited = 403
				}
				own, other := project(t, projectID), project(t, otherProjectID)
				try("a caller without a token", "", 401)
				try("an invalid token", "userfarm_"+strings.Repeat("a", 40), 401)
				try("an unknown token", domain.NewToken().Reveal(), 401)
				for i, role := range roles {
					may := func(status int) int {
						if i < slices.Index(roles, call.least) {
							return 403
						}
						return status
					}
					caller := "a " + string(role)
					try(caller+" of all projects", f.key(role), may(call.own))
					try(caller+" of the project", f.key(role, own), may(limited))
					try(caller+" of both projects", f.key(role, own, other), may(limited))
					try(caller+" of another project", f.key(role, other), may(call.foreign))
					try(caller+" whose key was revoked", f.revokedKey(role), 401)
					try(caller+" whose key has expired", f.expiredKey(role), 401)
				}
			})
		})
	}
}

// A farm without API keys serves every caller, until the first key exists.
func TestAFarmWithoutAPIKeysIsOpenUntilItHasOne(t *testing.T) {
	c := newClient(t)
	user, _ := c.newUser("alice", nil)
	c.get("/v1/keys").want(200)
	token := c.newKey(`{"name":"root","role":"admin"}`).Token
	c.as(token).get("/v1/users/" + user.UserID).want(200)
	c.get("/v1/users/" + user.UserID).want(401).wantProblem(api.CodeUnauthorized)
}

func TestARejectionNamesTheRequiredRole(t *testing.T) {
	f := newGuardedFarm(t)
	problem := f.as(f.key(domain.Viewer)).post("/v1/leases", `{"users":[{}]}`).want(403).wantProblem(api.CodeForbidden)
	if want := "This needs the role tester, and the API key has the role viewer."; problem.Detail != want {
		t.Errorf("got %q, want %q", problem.Detail, want)
	}
}

// A rejected caller learns nothing about mistakes in the request.
func TestAccessIsCheckedBeforeTheRequest(t *testing.T) {
	f := newGuardedFarm(t)
	viewer := f.as(f.key(domain.Viewer))
	requests := []struct{ method, path, body string }{
		{"POST", "/v1/leases", `{`},
		{"POST", "/v1/leases", `{"foo":1}`},
		{"POST", "/v1/leases?x=1", `{"users":[{}]}`},
		{"GET", "/v1/leases/nonsense", ``},
		{"DELETE", "/v1/users/nonsense?x=1", ``},
		{"POST", "/v1/keys", `[]`},
		{"POST", "/acquire_lock", `{`},
	}
	for _, r := range requests {
		f.send(r.method, r.path, r.body).want(401).wantProblem(api.CodeUnauthorized)
		viewer.send(r.method, r.path, r.body).want(403).wantProblem(api.CodeForbidden)
	}
}

// brokenGate is a gate that always fails with err.
type brokenGate struct{ err error }

// Enter implements [ports.Gate].
func (g brokenGate) Enter(context.Context, domain.Token) (domain.Caller, ports.Farm, error) {
	return domain.Caller{}, nil, g.err
}

func TestAGateThatFailsRejectsEveryCaller(t *testing.T) {
	for err, code := range map[error]api.Code{
		ports.ErrUnavailable:     api.CodeStoreUnavailable,
		context.DeadlineExceeded: api.CodeStoreUnavailable,
		errors.New("a mistake"):  api.CodeInternal,
		context.Canceled:         api.CodeStoreUnavailable,
	} {
		gate := brokenGate{fmt.Errorf("postgres: keys: %w", err)}
		c := serve(t, newLoggingServer(gate, failing(nil), newLog()))
		for _, r := range farmRequests {
			if r.path != "/readyz" {
				c.send(r.method, r.path, r.body).wantProblem(code)
				c.as(domain.NewToken().Reveal()).send(r.method, r.path, r.body).wantProblem(code)
			}
		}
		c.get("/readyz").want(200)
	}
}
