package dashboard_test

import (
	"bufio"
	"context"
	"fmt"
	nethttp "net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/domain"
)

func TestAnEmptyFarmShowsHowToAddUsers(t *testing.T) {
	f := newFarm(t)
	f.browser().get("overview").want(200).has("No users yet", "userfarm import", `href="add-user"`)
	b := f.signedIn(domain.Viewer)
	b.get("overview").want(200).has("No users yet").hasNot("add-user")
	f.user("ann", shop)
	f.signedIn(domain.Viewer).get("overview?env=nothing").want(200).hasNot("No users yet").has("Nobody holds a user that the filter lets through")
}

func TestTheOverviewTellsWhoHoldsAndWhoWaitsForWhat(t *testing.T) {
	f := newFarm(t)
	if err := f.NameProject(t.Context(), domain.Project{ID: shop, Name: "Shop"}, ""); err != nil {
		t.Fatal(err)
	}
	ann, bob := f.user("ann", shop), f.user("bob", shop)
	f.acquire(ann.ID, "ci-1", "cart.spec.ts")
	if _, err := f.Quarantine(t.Context(), bob.ID, "locked out"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	waiting.Go(func() {
		_, _ = f.Acquire(ctx, []domain.Selector{{ProjectID: shop, Env: "stage"}},
			domain.Terms{Owner: "ci-2", Note: "pay.spec.ts", Wait: time.Minute}, domain.IdempotencyKey{})
	})
	defer waiting.Wait()
	defer cancel()
	for {
		if _, total, err := f.Line(t.Context(), 1); err != nil {
			t.Fatal(err)
		} else if total > 0 {
			break
		}
	}
	b := f.signedIn(domain.Viewer)
	b.get("overview").want(200).has("Shop", "0 free, 1 held, 1 in quarantine, of 2", "cart.spec.ts", "locked out", "ci-2", "pay.spec.ts",
		`<bdi>ann</bdi></a> <span class="muted">held by</span>`)
	for _, page := range []string{"overview", "pools"} {
		b.get(page).has(`<td data-l="p50" class="num">0 s</td>`)
	}
	b.get("line?owner=ci-2").want(200).has("pay.spec.ts", "1 in line, 1 like that")
	b.get("line?owner=ci-3").want(200).hasNot("pay.spec.ts").has("1 in line, 0 like that")
	b.get("line?project=shop&env=prod").want(200).hasNot("pay.spec.ts")
	b.get("history?owner=ci-1").want(200).has("holds", "cart.spec.ts", "acquired")
}

// wait makes an acquire wait in line until the test ends.
func (f farm) wait(owner string, want ...domain.Selector) {
	f.t.Helper()
	_, before, err := f.Line(f.t.Context(), 1)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var waiting sync.WaitGroup
	waiting.Go(func() {
		_, _ = f.Acquire(ctx, want, domain.Terms{Owner: owner, Wait: time.Minute}, domain.IdempotencyKey{})
	})
	f.t.Cleanup(func() { cancel(); waiting.Wait() })
	for total := before; total == before; {
		if _, total, err = f.Line(f.t.Context(), 1); err != nil {
			f.t.Fatal(err)
		}
	}
}

func TestTheLineTellsWhyAClaimWaitsThoughUsersAreFree(t *testing.T) {
	f := newFarm(t)
	ann := f.user("ann", shop)
	f.user("bob", shop)
	f.acquire(ann.ID, "ci-1", "")
	inShop := domain.Selector{ProjectID: shop}
	f.wait("ci-2", inShop, inShop)
	b := f.signedIn(domain.Viewer)
	b.get("line").want(200).has("held by", "Such users are free: it needs all of its users at once").hasNot("before it")
}

// A user in quarantine may still be held, by the test that had it.
func TestAUserInQuarantineThatIsStillHeldIsShownAsBoth(t *testing.T) {
	f := newFarm(t)
	ann := f.user("ann", shop)
	f.acquire(ann.ID, "ci-1", "")
	if _, err := f.Quarantine(t.Context(), ann.ID, "locked out"); err != nil {
		t.Fatal(err)
	}
	b := f.signedIn(domain.Viewer)
	b.get("overview").want(200).has("locked out", "still held by", "ci-1")
	b.get("users").want(200).has("and still held", "locked out", "ci-1")
	b.get("user?id="+ann.ID.String()).want(200).has("and still held", "locked out", "ci-1")
	b.get("history?owner=ci-1").want(200).has("in quarantine: <bdi>locked out")
}

func TestStatisticsSayWhatTheyCount(t *testing.T) {
	f := newFarm(t)
	f.user("ann", shop)
	b := f.signedIn(domain.Viewer)
	b.get("overview").want(200).has("waits are per user", "users acquired", "locks expired", "acquires gave up").hasNot("whatever the label")
	b.get("overview?label=role:admin").want(200).has("Of all users, whatever the label")
}

func TestThePageCountsTheRenewals(t *testing.T) {
	f := newFarm(t)
	user := f.user("ann", shop)
	lease := f.acquire(user.ID, "ci", "")
	for range 3 {
		if _, err := f.Renew(t.Context(), lease.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	b := f.signedIn(domain.Viewer)
	b.get("user?id="+user.ID.String()).want(200).has("<dt>Renewed</dt><dd>3 ×</dd>", "ci")
	for _, list := range []string{"overview", "users?status=locked", "history?owner=ci"} {
		b.get(list).want(200).has(`<td data-l="Renewed" class="num">3</td>`)
	}
}

func TestListsHavePages(t *testing.T) {
	f := newFarm(t)
	for i := range 250 {
		f.user(fmt.Sprintf("user-%03d", i), domain.ProjectID{1, byte(i)})
	}
	b := f.signedIn(domain.Viewer)
	seen := 0
	for page := "users"; page != ""; {
		got := b.get(page).want(200)
		seen += strings.Count(got.body, `class="login"`)
		page = linkIn(got.body, ">More users<")
	}
	if seen != 250 {
		t.Errorf("the pages have %d users", seen)
	}
	seen = 0
	for page := "pools"; page != ""; {
		got := b.get(page).want(200)
		seen += strings.Count(got.body, `class="bars"`)
		page = linkIn(got.body, ">Next<")
	}
	if seen != 250 {
		t.Errorf("the pages have %d pools", seen)
	}
	seen = 0
	for page := "history"; page != ""; {
		got := b.get(page).want(200)
		seen += strings.Count(got.body, `class="kind created"`)
		page = linkIn(got.body, ">Earlier<")
	}
	if seen != 250 {
		t.Errorf("the pages have %d events", seen)
	}
}

// linkIn returns where the link leads that has the text.
func linkIn(body, text string) string {
	before, _, found := strings.Cut(body, text)
	if !found {
		return ""
	}
	href, _, _ := strings.Cut(before[strings.LastIndex(before, `href="`)+6:], `"`)
	return strings.ReplaceAll(href, "&amp;", "&")
}

func TestAFilterMakesAShortAddress(t *testing.T) {
	f := newFarm(t)
	b := f.signedIn(domain.Viewer)
	got := b.get("overview?project=&env=stage&domain=&label=&owner=+&login=").want(303)
	if to := got.header.Get("Location"); to != "overview?env=stage" {
		t.Errorf("the form leads to %q", to)
	}
	b.get("overview?env=stage&nothing=1").want(422).has("nothing", "is not a parameter that is known here")
	b.get("users?status=asleep").want(422).has("must be free, locked or quarantined")
	b.get("users?label=role").want(422).has("must be a key and a value")
	b.get("users?label=role:admin&label=plan%3Dfree").want(200).has(`value="plan:free"`, `value="role:admin"`)
	b.get("user").want(422)
}

func TestWithoutTheStoreAPageSaysSoAndComesBack(t *testing.T) {
	f := newFarm(t)
	b := f.signedIn(domain.Viewer)
	f.away.Store(true)
	b.get("overview?env=a").want(503).has("Store unavailable", "The page comes back by itself", `data-retry=`)
	f.away.Store(false)
	b.get("overview?env=a").want(200)
}

// live is an open page.
type live struct {
	t    *testing.T
	body *bufio.Scanner
}

// watch opens the stream of a page.
func (b browser) watch(page string) live {
	b.t.Helper()
	resp, err := b.http.Do(b.request("GET", page, nil))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		b.t.Fatalf("%s answers %d, %s", page, resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	body := bufio.NewScanner(resp.Body)
	body.Buffer(nil, 1<<20)
	return live{b.t, body}
}

// until reads the stream until a line has the text, and returns whether there was one before the stream ended.
func (l live) until(text string) bool {
	for l.body.Scan() {
		if strings.Contains(l.body.Text(), text) {
			return true
		}
	}
	return false
}

// liveOf returns the stream that a page opens.
func (a answer) liveOf() string {
	_, rest, _ := strings.Cut(a.body, `hx-sse:connect="`)
	to, _, _ := strings.Cut(rest, `"`)
	return strings.ReplaceAll(to, "&amp;", "&")
}

func TestAPageIsLive(t *testing.T) {
	f := newFarm(t)
	user := f.user("ann", shop)
	b := f.signedIn(domain.Viewer)
	page := b.watch(b.get("overview").want(200).liveOf())
	if !page.until("event: fresh") {
		t.Fatal("the page does not say until when it is up to date")
	}
	f.acquire(user.ID, "ci-77", "")
	if !page.until("ci-77") {
		t.Fatal("the page does not show the acquire")
	}
	f.away.Store(true)
	if !page.until("event: away") || !page.until("The database") {
		t.Fatal("the page does not say that the store is away")
	}
	f.away.Store(false)
	if !page.until("event: fresh") {
		t.Fatal("the page does not come back")
	}
}

func TestALivePageEndsWithItsKey(t *testing.T) {
	f := newFarm(t)
	key, token := f.key("ann", domain.Viewer)
	b := f.browser()
	b.signIn(token).want(303)
	page := b.watch("live?view=overview")
	page.until("event: fresh")
	if _, err := f.RevokeKey(t.Context(), key.ID, ""); err != nil {
		t.Fatal(err)
	}
	if page.until("nothing has this text") {
		t.Error("got it all the same")
	}
	b.get("live?view=overview").want(401)
}

func TestLivePagesCountAsLongRequests(t *testing.T) {
	f := newFarm(t, func(s *http.Settings) { s.Limits.Waiting = 2 })
	b := f.signedIn(domain.Viewer)
	b.watch("live?view=overview")
	b.watch("live?view=users")
	b.get("live?view=overview").want(429)
	b.get("live?view=nothing").want(404)
}

func TestTwoHundredPagesAtOnce(t *testing.T) {
	f := newFarm(t)
	user := f.user("ann", shop)
	b := f.signedIn(domain.Viewer)
	b.http.Transport.(*nethttp.Transport).MaxIdleConnsPerHost = 200
	pages := make([]live, 200)
	for i := range pages {
		pages[i] = b.watch("live?view=overview&env=" + url.QueryEscape([]string{"stage", "prod"}[i%2]))
	}
	f.acquire(user.ID, "ci-77", "")
	var all sync.WaitGroup
	for i := 0; i < len(pages); i += 2 {
		all.Go(func() {
			if !pages[i].until("ci-77") {
				t.Error("a page does not show the acquire")
			}
		})
	}
	all.Wait()
}

func TestTheAdviceIsForATarget(t *testing.T) {
	f := newFarm(t)
	f.user("ann", shop)
	for range 3 {
		lease, err := f.Acquire(t.Context(), []domain.Selector{{ProjectID: shop}}, domain.Terms{TTL: time.Minute}, domain.IdempotencyKey{})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Release(t.Context(), lease.ID); err != nil {
			t.Fatal(err)
		}
	}
	b := f.signedIn(domain.Viewer)
	b.get("advice?target=3").want(200).has("p95 is under 3 s", "today: 1", "enough: 1", `max="3600" value="3"`)
	b.get("advice?target=0").want(422).has("must be a number of seconds from 1 to 3600")
}

func TestTheAdviceMarksNoNumberThatTooFewClaimsCallEnough(t *testing.T) {
	f := newFarm(t)
	f.user("ann", shop)
	f.user("bob", shop)
	if _, err := f.Acquire(t.Context(), []domain.Selector{{ProjectID: shop}}, domain.Terms{TTL: time.Minute}, domain.IdempotencyKey{}); err != nil {
		t.Fatal(err)
	}
	f.signedIn(domain.Viewer).get("advice").want(200).
		has("1 claim is too few to say whether some could go", "today: 2").hasNot("enough: 1", ">enough<", `class="c-enough"`)
}
