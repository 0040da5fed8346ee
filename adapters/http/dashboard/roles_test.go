package dashboard_test

import (
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

// pagesOf are all pages that show something about a user.
func pagesOf(user domain.View) []string {
	id := user.ID.String()
	return []string{"overview", "pools", "line", "users", "users?status=locked", "user?id=" + id, "history", "history?owner=ci", "live?view=overview"}
}

func TestViewersAndTestersReadOnly(t *testing.T) {
	f := newFarm(t)
	user := f.user("ann", shop)
	f.acquire(user.ID, "ci", "")
	for _, role := range []domain.Role{domain.Viewer, domain.Tester} {
		b := f.signedIn(role)
		for _, page := range pagesOf(user)[:8] {
			b.get(page).want(200).hasNot("force-release", "quarantine?", "restore?", "add-user", "remove-user", "name-project", "import", `href="keys"`)
		}
		b.get("history").has("project named").hasNot("API key created")
		b.get("history?kind=key_created").want(403).has("Only admins see")
		token := b.get("overview").token()
		for _, form := range []string{
			"quarantine", "restore", "force-release", "add-user", "change-user", "remove-user", "name-project", "import", "import-confirm",
			"keys", "revoke-key",
		} {
			b.post(form, token, "id", user.ID.String(), "reason", "x", "fence", "1").want(403).has("This needs the role admin")
			if form != "import-confirm" {
				b.get(form + "?id=" + user.ID.String()).want(403)
			}
		}
	}
	if view, _ := f.User(t.Context(), user.ID); view.Lock == nil || view.Quarantine != nil {
		t.Errorf("the user was changed: %+v", view)
	}
	f.signedIn(domain.Admin).get("overview").want(200).has("force-release?", "add-user", `href="keys"`)
}

// A key of one project sees nothing of another: no user, pool, name of a project, owner, or name of a key.
func TestAKeySeesItsProjectsOnly(t *testing.T) {
	f := newFarm(t)
	for project, name := range map[domain.ProjectID]string{shop: "Shop", bank: "Bank"} {
		if err := f.NameProject(t.Context(), domain.Project{ID: project, Name: name}, ""); err != nil {
			t.Fatal(err)
		}
	}
	mine, theirs := f.user("ann-of-the-shop", shop), f.user("bob-of-the-bank", bank)
	f.acquire(mine.ID, "ci-of-the-shop", "")
	f.acquire(theirs.ID, "ci-of-the-bank", "")
	_, everywhere := f.key("key-of-the-head-office", domain.Admin)
	head := f.browser()
	head.signIn(everywhere).want(303)
	quarantine(head, mine)
	key, _ := f.key("key-of-the-shop-and-the-head-office", domain.Viewer, shop, bank)
	if _, err := f.RevokeKey(t.Context(), key.ID, "the head office does not need it"); err != nil {
		t.Fatal(err)
	}
	for _, role := range []domain.Role{domain.Viewer, domain.Tester, domain.Admin} {
		b := f.signedIn(role, shop)
		for _, page := range pagesOf(mine)[:8] {
			got := b.get(page).want(200).hasNot("bank", "Bank", bank.String(), theirs.ID.String(), "head-office")
			if page == "overview" || page == "users" {
				got.has("ann-of-the-shop", "Shop")
			}
		}
		b.get("user?id=" + theirs.ID.String()).want(404).hasNot("bob")
		b.get("users?project=Bank").want(422)
		b.get("users?project=" + bank.String()).want(403)
	}
	b := f.signedIn(domain.Admin, shop)
	b.get("keys").want(200).has("the viewer", "API key revoked", key.ID.String()[:8]).hasNot("head-office", "head office")
	b.post("force-release", b.get("overview").token(), "id", theirs.ID.String(), "fence", "1").want(404)
	if view, _ := f.User(t.Context(), theirs.ID); view.Lock == nil {
		t.Error("an admin of one project ended a lock in another")
	}
}

func quarantine(b browser, user domain.View) {
	b.t.Helper()
	b.post("quarantine", b.get("overview").token(), "id", user.ID.String(), "reason", "broken").want(303)
}

func TestNoPageHasASecret(t *testing.T) {
	f := newFarm(t)
	user := f.user("ann", shop)
	lease := f.acquire(user.ID, "ci", "note")
	_, token := f.key("ann", domain.Admin)
	b := f.browser()
	b.signIn(token).want(303)
	secrets := []string{"secret-ann", lease.ID.Reveal(), token, b.session()}
	id := user.ID.String()
	for _, page := range append(pagesOf(user)[:8], "keys", "quarantine?id="+id, "force-release?id="+id, "change-user?id="+id, "add-user", "import") {
		b.get(page).want(200).hasNot(secrets...)
	}
}

// The policy lets nothing run, and nothing load, that is not a file of this server; and no page has code or a style within.
func TestPagesHaveAStrictPolicy(t *testing.T) {
	f := newFarm(t)
	user := f.user("ann", shop)
	b := f.signedIn(domain.Admin)
	const want = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
		"base-uri 'none'; frame-ancestors 'none'"
	for _, page := range append(pagesOf(user)[:8], "keys", "import", "nothing", "users?x=1", "sign-in", "static/page.js") {
		got := b.get(page)
		if policies := got.header.Values("Content-Security-Policy"); page != "nothing" && (len(policies) != 1 || policies[0] != want) {
			t.Errorf("%s has the policies %q", page, policies)
		}
		if strings.Contains(page, "static") {
			continue
		}
		got.hasNot("<style", " style=", " onclick=", "javascript:", "http://", "https://", "<script>")
	}
}

func TestStaticFilesAreServedToEverybody(t *testing.T) {
	f := newFarm(t)
	f.key("ann", domain.Admin)
	for file, kind := range map[string]string{
		"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
		"htmx-4.0.1.min.js": "text/javascript; charset=utf-8", "htmx-LICENSE.txt": "text/plain; charset=utf-8",
	} {
		got := f.browser().get("static/" + file).want(200)
		if got.header.Get("Content-Type") != kind || got.body == "" {
			t.Errorf("%s is %s", file, got.header.Get("Content-Type"))
		}
	}
	for _, file := range []string{"nothing.js", "..%2fdashboard.go", "%2e%2e"} {
		f.browser().get("static/" + file).want(404)
	}
}
