package bunstore

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/userfarm/userfarm/domain"
)

// A claim may want anything of any pool, by a caller of any scope; the event is in one of these pools.
func TestAnEventKeepsWhatItsClaimWants(t *testing.T) {
	projects := rapid.SampledFrom([]domain.ProjectID{{}, {1}, {2}})
	users := rapid.SampledFrom([]domain.UserID{{}, {1}, {2}})
	texts := rapid.SampledFrom([]string{"", "stage", `a "quoted" text`})
	rapid.Check(t, func(t *rapid.T) {
		e := domain.Event{UserID: users.Draw(t, "user"), Pool: domain.Pool{
			ProjectID: projects.Draw(t, "project"), Env: texts.Draw(t, "env"), Domain: texts.Draw(t, "domain"),
		}}
		e.Want = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) domain.Selector {
			s := domain.Selector{UserID: users.Draw(t, "wanted user")}
			if s.UserID.IsZero() {
				s.ProjectID, s.Env, s.Domain = projects.Draw(t, "project"), texts.Draw(t, "env"), texts.Draw(t, "domain")
				s.Labels = rapid.MapOfN(texts, texts, 0, 2).Draw(t, "labels")
			}
			if rapid.Bool().Draw(t, "limited") {
				s = s.In(domain.Only(rapid.SliceOfN(projects, 0, 2).Draw(t, "scope")...))
			}
			return s
		}), 0, 3).Draw(t, "want")
		text := EncodeEventWant(e)
		read := domain.Event{UserID: e.UserID, Pool: e.Pool}
		if err := decodeEventWant(text, &read); err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(read.Want, e.Want, domain.Selector.Equal) {
			t.Fatalf("%s is read as %+v, want %+v", *text, read.Want, e.Want)
		}
	})
}

// The text is in every acquire, so it must be short.
func TestWhatAClaimWantsIsShort(t *testing.T) {
	pool := domain.Pool{ProjectID: domain.ProjectID{1}, Env: "stage", Domain: "shop"}
	anyOfPool := domain.Selector{ProjectID: pool.ProjectID, Env: pool.Env, Domain: pool.Domain}
	admin := anyOfPool
	admin.Labels = domain.Labels{"role": "admin"}
	for want, selectors := range map[string][]domain.Selector{
		`[{}]`:                     {anyOfPool},
		`[{"l":{"role":"admin"}}]`: {admin},
		`[{"l":{"role":"admin"}},{"l":{"role":"admin"}}]`: {admin, admin},
		`[{"e":"","d":"","l":{"role":"admin"}}]`:          {{ProjectID: pool.ProjectID, Labels: admin.Labels}},
		`[{},{"e":"","d":""}]`:                            {anyOfPool, {ProjectID: pool.ProjectID}},
		`[{"p":"","d":"blog"}]`:                           {{Env: "stage", Domain: "blog"}},
		`[{"u":""}]`:                                      {{UserID: domain.UserID{7}}},
	} {
		got := EncodeEventWant(domain.Event{UserID: domain.UserID{7}, Pool: pool, Want: selectors})
		if got == nil || *got != want {
			t.Errorf("%+v is written as %v, want %s", selectors, got, want)
		}
	}
	if got := EncodeEventWant(domain.Event{Pool: pool}); got != nil {
		t.Errorf("an event of no claim says that it wants %s", *got)
	}
}
