package domain_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func newAPIKey(t *testing.T, spec domain.KeySpec) domain.APIKey {
	t.Helper()
	if spec.Name == "" {
		spec.Name, spec.Role = "ci", domain.Tester
	}
	key, err := domain.NewAPIKey(noon, domain.NewToken(), spec)
	must(t, err)
	return key
}

func TestANewKeyHasTheFieldsOfItsSpec(t *testing.T) {
	token := domain.NewToken()
	scope := domain.Only(domain.ProjectID{2}, domain.ProjectID{1})
	key, err := domain.NewAPIKey(noon, token, domain.KeySpec{Name: "Zoë's laptop", Role: domain.Viewer, Scope: scope, TTL: time.Hour})
	must(t, err)
	want := domain.APIKey{
		ID: key.ID, Name: "Zoë's laptop", Role: domain.Viewer, Scope: scope, Digest: token.Digest(),
		CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
	if !reflect.DeepEqual(key, want) || key.ID.IsZero() {
		t.Errorf("key = %+v, want %+v", key, want)
	}
	if caller := key.Caller(); caller.Key != key.ID || caller.Name != key.Name || caller.Role != domain.Viewer || !caller.Scope.Equal(scope) {
		t.Errorf("caller = %+v", caller)
	}
	if forever := newAPIKey(t, domain.KeySpec{}); !forever.ExpiresAt.IsZero() || forever.Status(noon.AddDate(1000, 0, 0)) != domain.KeyActive {
		t.Errorf("a key without a time to live is %+v", forever)
	}
}

func TestLaterKeysHaveHigherIDs(t *testing.T) {
	before := newAPIKey(t, domain.KeySpec{})
	for range 100 {
		key, err := domain.NewAPIKey(before.CreatedAt.Add(tick), domain.NewToken(), domain.KeySpec{Name: "ci", Role: domain.Admin})
		must(t, err)
		if bytes.Compare(key.ID[:], before.ID[:]) <= 0 {
			t.Fatalf("%v is not above %v", key.ID, before.ID)
		}
		if text := key.ID.String(); len(text) != 36 || text[14] != '7' {
			t.Fatalf("%s is not a UUID of version 7", text)
		}
		before = key
	}
}

func TestAKeyIsActiveUntilItExpires(t *testing.T) {
	key := newAPIKey(t, domain.KeySpec{Name: "ci", Role: domain.Tester, TTL: time.Hour})
	end := noon.Add(time.Hour)
	for _, at := range []struct {
		now  time.Time
		want domain.KeyStatus
	}{
		{noon, domain.KeyActive}, {end.Add(-tick), domain.KeyActive},
		{end, domain.KeyExpired}, {end.Add(tick), domain.KeyExpired},
	} {
		if got := key.Status(at.now); got != at.want {
			t.Errorf("%v after noon it is %s, want %s", at.now.Sub(noon), got, at.want)
		}
		if view := key.View(at.now); view.Status != at.want || !reflect.DeepEqual(view.APIKey, key) {
			t.Errorf("%v after noon the view is %+v", at.now.Sub(noon), view)
		}
	}
}

func TestARevokedKeyStaysRevoked(t *testing.T) {
	key := newAPIKey(t, domain.KeySpec{Name: "ci", Role: domain.Tester, TTL: time.Hour})
	revoke(t, &key, noon.Add(time.Minute), domain.APIKeyID{1}, "")
	if again := revoke(t, &key, noon.Add(2*time.Minute), domain.APIKeyID{2}, ""); again != nil {
		t.Errorf("the second revocation records %+v", again)
	}
	if !key.RevokedAt.Equal(noon.Add(time.Minute)) || key.RevokedBy != (domain.APIKeyID{1}) {
		t.Errorf("it was revoked at %v by %v", key.RevokedAt, key.RevokedBy)
	}
	// Also at an earlier time, by a clock that was set back, and after its expiry.
	for _, now := range []time.Time{noon, noon.Add(time.Minute), noon.Add(2 * time.Hour)} {
		if got := key.Status(now); got != domain.KeyRevoked {
			t.Errorf("at %v it is %s", now, got)
		}
	}
}

func revoke(t *testing.T, key *domain.APIKey, now time.Time, by domain.APIKeyID, reason string) []domain.Event {
	t.Helper()
	events, err := key.Revoke(now, by, reason)
	must(t, err)
	return events
}

func TestAKeyIsRecordedInEachOfItsProjects(t *testing.T) {
	one, two := domain.ProjectID{1}, domain.ProjectID{2}
	by := domain.APIKeyID{9}
	for name, test := range map[string]struct {
		scope    domain.Scope
		projects []domain.ProjectID
	}{
		"all projects": {domain.Scope{}, []domain.ProjectID{{}}},
		"one":          {domain.Only(one), []domain.ProjectID{one}},
		"two":          {domain.Only(two, one), []domain.ProjectID{one, two}},
	} {
		spec := domain.KeySpec{Name: "ci", Role: domain.Tester, Scope: test.scope}
		key, err := domain.Caller{Key: by}.NewAPIKey(noon, domain.NewToken(), spec)
		must(t, err)
		later := noon.Add(time.Minute)
		created := key.Created("nightly tests")
		revoked := revoke(t, &key, later, domain.APIKeyID{8}, "it leaked")
		for i, project := range test.projects {
			want := domain.Event{
				At: noon, Kind: domain.APIKeyCreated, Pool: domain.Pool{ProjectID: project}, Reason: "nightly tests", Key: by, About: key.ID, Name: "ci",
			}
			if len(created) != len(test.projects) || !reflect.DeepEqual(created[i], want) {
				t.Errorf("%s: the creation is recorded as %+v, want %+v in project %d", name, created, want, i)
			}
			want.At, want.Kind, want.Reason, want.Key = later, domain.APIKeyRevoked, "it leaked", domain.APIKeyID{8}
			if len(revoked) != len(test.projects) || !reflect.DeepEqual(revoked[i], want) {
				t.Errorf("%s: the revocation is recorded as %+v, want %+v in project %d", name, revoked, want, i)
			}
		}
	}
}

func TestABadReasonRevokesNothing(t *testing.T) {
	for _, reason := range []string{strings.Repeat("ë", 1025), "a\nb", "\xff"} {
		key := newAPIKey(t, domain.KeySpec{})
		events, err := key.Revoke(noon, domain.APIKeyID{}, reason)
		wantFields(t, err, "/reason")
		if events != nil || !key.RevokedAt.IsZero() {
			t.Errorf("%.10q revoked the key, and recorded %+v", reason, events)
		}
	}
	key := newAPIKey(t, domain.KeySpec{})
	revoke(t, &key, noon, domain.APIKeyID{}, strings.Repeat("ë", 1024))
}

func TestOnlyAdminsSeeKeys(t *testing.T) {
	for role, want := range map[domain.Role]bool{domain.Admin: true, domain.Tester: false, domain.Viewer: false, "": false} {
		if got := (domain.Caller{Role: role}).SeesKeys(); got != want {
			t.Errorf("a caller with the role %q sees keys: %v", role, got)
		}
	}
}

func TestCheckKeySpecNamesEveryBadField(t *testing.T) {
	wantFields(t, domain.CheckKeySpec(domain.KeySpec{Scope: domain.Only(), TTL: -1}),
		"/name", "/role", "/projects", "/expires_in_seconds")
	many := make([]domain.ProjectID, 101)
	for i := range many {
		many[i] = domain.ProjectID{byte(i)}
	}
	good := domain.KeySpec{Name: strings.Repeat("ë", 255), Role: domain.Admin, Scope: domain.Only(many[:100]...), TTL: domain.MaxKeyTTL}
	good.Reason = strings.Repeat("ë", 1024)
	must(t, domain.CheckKeySpec(good))
	must(t, domain.CheckKeySpec(domain.KeySpec{Name: "ci", Role: domain.Viewer}))
	for pointer, spoil := range map[string]func(*domain.KeySpec){
		"/name":               func(s *domain.KeySpec) { s.Name += "ë" },
		"/role":               func(s *domain.KeySpec) { s.Role = "root" },
		"/projects":           func(s *domain.KeySpec) { s.Scope = domain.Only(many...) },
		"/expires_in_seconds": func(s *domain.KeySpec) { s.TTL++ },
		"/reason":             func(s *domain.KeySpec) { s.Reason += "ë" },
	} {
		bad := good
		spoil(&bad)
		wantFields(t, domain.CheckKeySpec(bad), pointer)
		key, err := domain.NewAPIKey(noon, domain.NewToken(), bad)
		wantFields(t, err, pointer)
		if !key.ID.IsZero() {
			t.Errorf("a spec with a bad %s made a key", pointer)
		}
	}
	for _, name := range []string{"a\x00b", "a\nb", "\xff"} {
		wantFields(t, domain.CheckKeySpec(domain.KeySpec{Name: name, Role: domain.Viewer}), "/name")
	}
}

func TestOutlives(t *testing.T) {
	hour := newAPIKey(t, domain.KeySpec{Name: "ci", Role: domain.Tester, TTL: time.Hour})
	always := newAPIKey(t, domain.KeySpec{Name: "ci", Role: domain.Tester})
	for _, test := range []struct {
		key   domain.APIKey
		other time.Time
		want  bool
	}{
		{hour, noon.Add(time.Hour), false}, {hour, noon.Add(time.Hour - tick), true}, {hour, time.Time{}, false},
		{always, noon.Add(time.Hour), true}, {always, time.Time{}, false},
	} {
		if got := test.key.Outlives(test.other); got != test.want {
			t.Errorf("a key until %v outlives one until %v: %v", test.key.ExpiresAt, test.other, got)
		}
	}
}
