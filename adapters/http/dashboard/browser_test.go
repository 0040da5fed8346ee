package dashboard_test

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	nethttp "net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var (
	shop = domain.ProjectID{1}
	bank = domain.ProjectID{2}
)

// farm is a farm with the page, and its stores can be taken away.
type farm struct {
	*app.Farm

	t     *testing.T
	url   string
	away  *atomic.Bool
	pages *http.Server
}

// newFarm serves a farm without users and keys.
func newFarm(t *testing.T, change ...func(*http.Settings)) farm {
	t.Helper()
	store := memory.New()
	made, err := app.New(store, app.Settings{Leases: domain.LeasePolicy{DefaultTTL: time.Minute, LongestTTL: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	settings := http.Settings{Limits: http.DefaultLimits(), Sealer: newSealer(t)}
	for _, apply := range change {
		apply(&settings)
	}
	f := farm{Farm: made, t: t, away: new(atomic.Bool)}
	gate := awayGate{app.NewGate(made, true), f.away}
	f.pages, err = http.New(gate, store, settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- f.pages.Serve(listener) }()
	t.Cleanup(func() {
		if err := f.pages.Shutdown(context.Background()); err != nil {
			t.Error("Shutdown:", err)
		}
		if err := <-served; err != nil {
			t.Error("Serve:", err)
		}
	})
	f.url = "http://" + listener.Addr().String()
	return f
}

func newSealer(t *testing.T) *sealing.KeyRing {
	t.Helper()
	key := make([]byte, sealing.KeySize)
	_, _ = rand.Read(key)
	ring, err := sealing.NewKeyRing(key)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// awayGate is a gate whose farms have no store while away is true.
type awayGate struct {
	ports.Gate
	away *atomic.Bool
}

// Enter implements [ports.Gate].
func (g awayGate) Enter(ctx context.Context, token domain.Token) (domain.Caller, ports.Farm, error) {
	if g.away.Load() {
		return domain.Caller{}, nil, ports.ErrUnavailable
	}
	caller, farm, err := g.Gate.Enter(ctx, token)
	return caller, awayFarm{farm, g.away}, err
}

type awayFarm struct {
	ports.Farm
	away *atomic.Bool
}

// Events implements [ports.History].
func (f awayFarm) Events(ctx context.Context, q ports.EventQuery) (ports.EventPage, error) {
	if f.away.Load() {
		return ports.EventPage{}, ports.ErrUnavailable
	}
	return f.Farm.Events(ctx, q)
}

// user adds a user to a pool.
func (f farm) user(login string, project domain.ProjectID) domain.View {
	f.t.Helper()
	view, err := f.CreateUser(f.t.Context(), domain.Spec{
		Login: login, Password: domain.NewSecret("secret-" + login), Pool: domain.Pool{ProjectID: project, Env: "stage", Domain: "regular"},
	}, domain.IdempotencyKey{})
	if err != nil {
		f.t.Fatal(err)
	}
	return view
}

// key makes an API key.
func (f farm) key(name string, role domain.Role, projects ...domain.ProjectID) (domain.KeyView, string) {
	f.t.Helper()
	spec := domain.KeySpec{Name: name, Role: role}
	if len(projects) > 0 {
		spec.Scope = domain.Only(projects...)
	}
	key, token, err := f.CreateKey(f.t.Context(), spec)
	if err != nil {
		f.t.Fatal(err)
	}
	return key, token.Reveal()
}

// acquire takes a lease of a user.
func (f farm) acquire(id domain.UserID, owner, note string) domain.Lease {
	f.t.Helper()
	lease, err := f.Acquire(f.t.Context(), []domain.Selector{{UserID: id}}, domain.Terms{Owner: owner, Note: note}, domain.IdempotencyKey{})
	if err != nil {
		f.t.Fatal(err)
	}
	return lease
}

// newest returns the newest event.
func (f farm) newest() ports.RecordedEvent {
	f.t.Helper()
	page, err := f.Events(f.t.Context(), ports.EventQuery{NewestFirst: true, Limit: 1})
	if err != nil || len(page.Events) == 0 {
		f.t.Fatal(page, err)
	}
	return page.Events[0]
}

// browser is what a person looks at the page with.
type browser struct {
	t    *testing.T
	url  string
	http *nethttp.Client
}

func (f farm) browser() browser {
	jar, _ := cookiejar.New(nil) // never fails
	transport := &nethttp.Transport{}
	f.t.Cleanup(transport.CloseIdleConnections)
	return browser{f.t, f.url, &nethttp.Client{
		Jar: jar, Transport: transport,
		CheckRedirect: func(*nethttp.Request, []*nethttp.Request) error { return nethttp.ErrUseLastResponse },
	}}
}

// signedIn returns a browser in which somebody has signed in with a new API key.
func (f farm) signedIn(role domain.Role, projects ...domain.ProjectID) browser {
	f.t.Helper()
	_, token := f.key("the "+string(role), role, projects...)
	b := f.browser()
	b.signIn(token).want(303)
	return b
}

func (b browser) signIn(token string) answer {
	b.t.Helper()
	return b.post("sign-in", b.get("sign-in").token(), "key", token)
}

// cookie returns the value of a cookie.
func (b browser) cookie(name string) string {
	parsed, _ := url.Parse(b.url)
	for _, cookie := range b.http.Jar.Cookies(parsed) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// session returns the cookie of a person who has signed in.
func (b browser) session() string { return b.cookie(b.sessionName()) }

func (b browser) setSession(value string) { b.setCookie(b.sessionName(), value) }

func (b browser) sessionName() string {
	parsed, _ := url.Parse(b.url)
	return "userfarm_" + parsed.Port()
}

func (b browser) setCookie(name, value string) {
	parsed, _ := url.Parse(b.url)
	b.http.Jar.SetCookies(parsed, []*nethttp.Cookie{{Name: name, Value: value}})
}

// answer is what a browser shows.
type answer struct {
	t      *testing.T
	status int
	header nethttp.Header
	body   string
}

func (b browser) get(page string) answer {
	b.t.Helper()
	return b.do(b.request("GET", page, nil))
}

// post sends a form with fields: names and texts in turn.
func (b browser) post(page, token string, fields ...string) answer {
	b.t.Helper()
	values := url.Values{"form_token": {token}}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	req := b.request("POST", page, strings.NewReader(values.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Origin", b.url)
	return b.do(req)
}

func (b browser) request(method, page string, body io.Reader) *nethttp.Request {
	b.t.Helper()
	req, err := nethttp.NewRequestWithContext(b.t.Context(), method, b.url+"/ui/"+page, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return req
}

func (b browser) do(req *nethttp.Request) answer {
	b.t.Helper()
	resp, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{b.t, resp.StatusCode, resp.Header, string(body)}
}

// want fails the test unless the answer has the status.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("got the status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// has fails the test unless the page has all texts.
func (a answer) has(texts ...string) answer {
	a.t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			a.t.Errorf("the page has no %q: %s", text, a.body)
		}
	}
	return a
}

// hasNot fails the test if the page has one of the texts.
func (a answer) hasNot(texts ...string) answer {
	a.t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			a.t.Errorf("the page has %q: %s", text, a.body)
		}
	}
	return a
}

var formToken = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// token returns the token of a form of the page.
func (a answer) token() string {
	a.t.Helper()
	match := formToken.FindStringSubmatch(a.body)
	if match == nil {
		a.t.Fatalf("the page has no form: %s", a.body)
	}
	return match[1]
}
