package dashboard_test

import (
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// wantEvent fails the test unless the newest event is of the kind, with the reason and the key of the person.
func (f farm) wantEvent(kind domain.EventKind, reason string) ports.RecordedEvent {
	f.t.Helper()
	e := f.newest()
	if e.Kind != kind || e.Reason != reason || e.KeyName != "the admin" {
		f.t.Errorf("the newest event is %s, %q by %q; want %s, %q by the admin", e.Kind, e.Reason, e.KeyName, kind, reason)
	}
	return e
}

func TestAdminsTakeUsersOutOfCirculationAndBack(t *testing.T) {
	f := newFarm(t)
	user := f.user("ann", shop)
	b := f.signedIn(domain.Admin)
	id := user.ID.String()
	form := b.get("quarantine?id="+id).want(200).has("Put in quarantine", "ann", "What for", "required")
	b.post("quarantine", form.token(), "id", id, "reason", "").want(422).has("1 field is not right", "must not be empty")
	b.post("quarantine", form.token(), "id", id, "reason", " ").want(422).has("must not be empty")
	got := b.post("quarantine", form.token(), "id", id, "reason", "the password is wrong").want(303)
	f.wantEvent(domain.UserQuarantined, "the password is wrong")
	b.get(got.header.Get("Location")).want(200).has("The user is in quarantine now", "the password is wrong", "Restore…")

	form = b.get("restore?id="+id).want(200).has("the password is wrong", "What was done", "required")
	b.post("restore", form.token(), "id", id, "reason", "").want(422).has("1 field is not right", "must not be empty")
	b.post("restore", form.token(), "id", id, "reason", "reset").want(303)
	f.wantEvent(domain.UserRestored, "reset")
	b.get("user?id="+id).want(200).has("restored", "reset", "the admin")
}

func TestAForcedReleaseEndsTheLockThatThePersonSaw(t *testing.T) {
	f := newFarm(t)
	user := f.user("ann", shop)
	f.acquire(user.ID, "ci-1", "")
	b := f.signedIn(domain.Admin)
	id := user.ID.String()
	form := b.get("force-release?id="+id+"&fence=1").want(200).has("ci-1", `name="fence" value="1"`, "What for", "required")
	b.post("force-release", form.token(), "id", id, "reason", "hangs").want(422) // never without a fence
	b.post("force-release", form.token(), "id", id, "fence", "1").want(422).has("must not be empty")
	if view, _ := f.User(t.Context(), user.ID); view.Lock == nil {
		t.Fatal("the lock was ended, and the history does not say what for")
	}

	if _, err := f.ForceRelease(t.Context(), user.ID, 0, ""); err != nil {
		t.Fatal(err)
	}
	f.acquire(user.ID, "ci-2", "")
	b.post("force-release", form.token(), "id", id, "fence", "1", "reason", "hangs").want(409).
		has("Nothing was changed", "Another test holds the user now", "hangs")
	b.get("force-release?id=" + id + "&fence=1").want(200).has("Another test holds the user now")
	if view, _ := f.User(t.Context(), user.ID); view.Lock == nil || view.Lock.Owner != "ci-2" {
		t.Fatalf("the lock of another test was ended: %+v", view.Lock)
	}
	b.post("force-release", form.token(), "id", id, "fence", "2", "reason", "hangs").want(303)
	if e := f.wantEvent(domain.UserForced, "hangs"); e.Owner != "ci-2" {
		t.Errorf("the event is about %q", e.Owner)
	}
}

func TestAdminsAddAndChangeUsers(t *testing.T) {
	f := newFarm(t)
	if err := f.NameProject(t.Context(), domain.Project{ID: shop, Name: "Shop"}, ""); err != nil {
		t.Fatal(err)
	}
	b := f.signedIn(domain.Admin)
	token := b.get("add-user").want(200).has("Shop", "What for (may be empty)").token()
	// A bad form comes back with what was typed, and without the password.
	b.post("add-user", token, "project", "Shup", "env", "stage", "domain", "", "login", "ann", "password", "secret-ann", "labels", "role",
		"reason", "checkout").want(422).
		has("3 fields are not right", `value="Shup"`, `value="ann"`, `value="checkout"`, "must be the name of a project", "must not be empty", "must have one label").
		hasNot("secret-ann")
	got := b.post("add-user", token, "project", "shop", "env", "stage", "domain", "regular", "login", "ann", "password", "secret-ann",
		"totp", "JBSWY3DPEHPK3PXP", "labels", "role=admin\r\nplan=free\r\n", "reason", " for the checkout ").want(303)
	added := f.wantEvent(domain.UserCreated, "for the checkout")
	b.get(got.header.Get("Location")).want(200).
		has("The user was added", "role=admin", "plan=free", "one-time codes", "for the checkout", "the admin").hasNot("JBSWY3DPEHPK3PXP")
	b.post("add-user", token, "project", "Shop", "env", "stage", "domain", "regular", "login", "ANN", "password", "x").want(409).
		has("Another user has this login")

	id := added.UserID.String()
	b.get("change-user?id="+id).want(200).has("plan=free\nrole=admin", "Remove the second factor", "What for (may be empty)")
	b.post("change-user", token, "id", id, "labels", "role=admin", "reason", "a\x00b").want(422).has("must not contain control characters")
	got = b.post("change-user", token, "id", id, "labels", "role=admin", "reason", "the <plan> has ended").want(303)
	if e := f.wantEvent(domain.UserChanged, "the <plan> has ended"); e.Changed.String() != "labels" {
		t.Errorf("changed is %v", e.Changed)
	}
	b.get(got.header.Get("Location")).want(200).has("labels: <bdi>the &lt;plan&gt; has ended</bdi>", "the admin")
	b.post("change-user", token, "id", id, "labels", "role=admin", "password", "secret-new", "no-totp", "yes").want(303)
	if e := f.wantEvent(domain.UserChanged, ""); e.Changed.String() != "password,totp_secret" {
		t.Errorf("changed is %v", e.Changed)
	}
	lease := f.acquire(added.UserID, "ci", "")
	if lease.Users[0].Password.Reveal() != "secret-new" {
		t.Error("the password was not changed")
	}
}

func TestAdminsRemoveUsersThatNobodyHolds(t *testing.T) {
	f := newFarm(t)
	user := f.user("ann", shop)
	b := f.signedIn(domain.Admin)
	id := user.ID.String()
	b.get("user?id=" + id).has("remove-user?id=" + id)
	form := b.get("remove-user?id="+id).want(200).has("ann", "removed for ever", "What for", "required", ">Remove</button>")
	b.post("remove-user", form.token(), "id", id).want(422).has("must not be empty", ">Remove</button>")

	// Somebody took the user while the form was open.
	lease := f.acquire(user.ID, "ci-1", "")
	b.post("remove-user", form.token(), "id", id, "reason", "gone").want(409).
		has("Nothing was changed. Somebody holds the user.", "ci-1", "Wait until it is released", "force-release?").hasNot(">Remove</button>")
	if err := f.Release(t.Context(), lease.ID); err != nil {
		t.Fatal(err)
	}
	b.post("remove-user", "x", "id", id, "reason", "gone").want(403)
	got := b.post("remove-user", form.token(), "id", id, "reason", "the account is closed").want(303)
	f.wantEvent(domain.UserRemoved, "the account is closed")
	b.get(got.header.Get("Location")).want(200).has("The user was removed").hasNot(id)
	b.get("history?login=ann").want(200).has("removed", "the account is closed", "the admin")
	b.post("remove-user", form.token(), "id", id, "reason", "gone").want(404)
}

func TestAdminsNameProjects(t *testing.T) {
	f := newFarm(t)
	f.user("ann", shop)
	f.user("bob", bank)
	b := f.signedIn(domain.Admin)
	b.get("pools").want(200).has("no name", "name-project?project="+shop.String())
	form := b.get("name-project?project=" + shop.String()).want(200)
	form.has("What for (may be empty)")
	name := func(project domain.ProjectID, name string) answer {
		return b.post("name-project", form.token(), "project", project.String(), "name", name, "reason", "so that people know it")
	}
	got := name(shop, " The Shop ").want(303)
	if e := f.wantEvent(domain.ProjectNamed, "so that people know it"); e.Pool.ProjectID != shop || e.Name != "The Shop" {
		t.Errorf("the event is %+v", e)
	}
	b.get("history?kind=project_named").want(200).has("project named", "The Shop", "so that people know it").hasNot("user?id")
	b.get(got.header.Get("Location")).want(200).has("The name of the project was changed", "The Shop", "Rename The Shop") // at once
	b.get("name-project?project="+shop.String()).want(200).has(`value="The Shop"`, "The old name stops working")
	name(bank, "the shop").want(409).has("Nothing was changed. Another project has this name", `value="the shop"`)
	name(bank, bank.String()).want(422).has("must not be a UUID")
	b.post("name-project", form.token(), "project", shop.String(), "name", "x", "reason", "a\tb").want(422).
		has("must not contain control characters", "a\tb")
	name(shop, "").want(303)
	b.get("history?kind=project_named").want(200).has("no name anymore")
	b.get("pools").want(200).hasNot("The Shop")
	b.get("name-project?project=x").want(422)

	limited := f.signedIn(domain.Admin, shop)
	limited.post("name-project", limited.get("pools").token(), "project", bank.String(), "name", "Mine").want(403)
}

// A key has an event in each of its projects.
func TestAKeyForManyProjectsHidesNoOtherKeyInTheHistory(t *testing.T) {
	f := newFarm(t)
	key, _ := f.key("ci", domain.Tester)
	if _, err := f.RevokeKey(t.Context(), key.ID, "it leaked"); err != nil {
		t.Fatal(err)
	}
	projects := make([]domain.ProjectID, 100)
	for i := range projects {
		projects[i] = domain.ProjectID{byte(i + 1)}
	}
	b := f.signedIn(domain.Admin)
	f.key("everywhere", domain.Viewer, projects...)
	b.get("keys").want(200).has("everywhere", "it leaked")
}

func TestAdminsManageAPIKeys(t *testing.T) {
	f := newFarm(t)
	if err := f.NameProject(t.Context(), domain.Project{ID: shop, Name: "Shop"}, ""); err != nil {
		t.Fatal(err)
	}
	b := f.signedIn(domain.Admin)
	token := b.get("keys").want(200).has("the admin", "(yours)").token()
	b.post("keys", token, "name", "", "role", "viewer", "project", "Nothing", "days", "0", "reason", "a\tb").want(422).
		has("4 fields are not right", "a\tb")
	got := b.post("keys", token, "name", "ci", "role", "tester", "project", "shop", "days", "30", "reason", "nightly tests").
		want(201).has("Copy it now", "userfarm_")
	_, rest, _ := strings.Cut(got.body, `<code class="token">`)
	text, _, _ := strings.Cut(rest, "<")
	f.wantEvent(domain.APIKeyCreated, "nightly tests")
	b.get("keys").want(200).has("ci", "tester", "Shop", "API key created", "nightly tests", "the admin").hasNot(text)
	b.get("history?kind=key_created").want(200).has(`<option value="key_created" selected>`, "ci", "nightly tests", "Shop", "all projects").hasNot(text, "user?id", "any env")
	tester := f.browser()
	tester.signIn(text).want(303)
	tester.get("overview").want(200).has("ci", "tester")

	page, err := f.Keys(t.Context(), ports.KeyQuery{})
	if err != nil {
		t.Fatal(err)
	}
	key := page.Keys[len(page.Keys)-1]
	if key.Name != "ci" || key.Role != domain.Tester || !key.Scope.Equal(domain.Only(shop)) ||
		key.ExpiresAt.Sub(key.CreatedAt) != 30*24*time.Hour {
		t.Errorf("the key is %+v", key)
	}
	b.get("revoke-key?id="+key.ID.String()).want(200).has("ci", "locked out", "What for", "required")
	for _, reason := range []string{"", " "} {
		b.post("revoke-key", token, "id", key.ID.String(), "reason", reason).want(422).has("must not be empty")
	}
	b.post("revoke-key", token, "id", key.ID.String(), "reason", "it leaked").want(303)
	f.wantEvent(domain.APIKeyRevoked, "it leaked")
	b.get("keys").want(200).has("API key revoked", "it leaked")
	if key, _ := f.Key(t.Context(), key.ID); key.Status != domain.KeyRevoked || key.RevokedBy.IsZero() {
		t.Errorf("the key is %+v", key)
	}
	for tester.get("overview").status == 200 { // the gate knows it within two seconds
		continue
	}
}

func TestAFormAboutAUserThatIsGoneSaysSo(t *testing.T) {
	f := newFarm(t)
	b := f.signedIn(domain.Admin)
	for _, form := range []string{"quarantine", "restore", "force-release", "change-user", "remove-user"} {
		b.get(form + "?id=" + domain.UserID{9}.String()).want(404).has("User not found")
		b.get(form + "?id=x").want(422).has("must be a UUID")
	}
}

// What people and programs wrote is text, whatever it has.
func TestTextsAreEscaped(t *testing.T) {
	f := newFarm(t)
	nasty := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `{{.Admin}} & ' " <u>`, "\u05d0\u05d1 ltr", strings.Repeat("x", 200), "data: x",
	}
	b := f.signedIn(domain.Admin)
	for i, text := range nasty {
		user := f.user(text, domain.ProjectID{byte(i + 1)})
		name := domain.Project{ID: domain.ProjectID{byte(i + 1)}, Name: text[:min(len(text), 40)]}
		if err := f.NameProject(t.Context(), name, ""); err != nil {
			t.Fatal(err)
		}
		f.acquire(user.ID, text, text)
		if _, err := f.Quarantine(t.Context(), user.ID, text); err != nil {
			t.Fatal(err)
		}
		for _, page := range append(pagesOf(user)[:7], "quarantine?id="+user.ID.String(), "restore?id="+user.ID.String()) {
			b.get(page).want(200).hasNot("<script>", "<img src=x", "<u>", "onerror=alert(1)>")
		}
	}
	b.get("overview?env=stage").has("&lt;script&gt;alert(1)&lt;/script&gt;", "&amp; &#39;", strings.Repeat("x", 200))
	b.get("history?owner=" + strings.Repeat("%3Cscript%3E", 3)).want(200).hasNot("<script>")
}
