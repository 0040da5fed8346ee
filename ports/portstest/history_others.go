package portstest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// historyOtherTests are about the events that have no user.
var historyOtherTests = []storeTest{
	{"records an API key that is created and revoked in each of its projects, in order with other events", historyOfKey},
	{"records an API key for all projects without a project", historyOfWideKey},
	{"records each new name of a project, and its removal", historyOfNames},
	{"records nothing for a key or a name that stays as it is", historyOfNothing},
	{"records nothing for a refused change of a key or a name", historyOfRefusals},
	{"records one of many changes that do the same at once", historyOfRace},
	{"keeps the texts of these events unchanged", historyOfTexts},
	{"shows these events to the scopes of their projects, without the texts of keys that are for more", historyOfScopes},
	{"leaves out the events about API keys, with any other filter", historyWithoutKeys},
	{"returns every one of these events to a reader that follows it during writes", historyOfFollowed},
}

// createKey adds a key as a use case does: created by another key.
func (f *farm) createKey(by domain.APIKeyID, reason string, change ...func(*domain.APIKey)) domain.APIKey {
	f.Helper()
	key, err := f.store.AddKey(f.Context(), func(now time.Time) (domain.APIKey, []domain.Event, error) {
		key := f.buildKey(change...)
		key.CreatedAt, key.CreatedBy = now, by
		return key, key.Created(reason), nil
	})
	f.must(err)
	return key
}

func (f *farm) tryRevoke(id, by domain.APIKeyID, reason string) error {
	_, _, err := f.store.ChangeKey(f.Context(), id, func(now time.Time, key *domain.APIKey) ([]domain.Event, error) {
		return key.Revoke(now, by, reason)
	})
	return err
}

func (f *farm) nameProjectBy(by domain.APIKeyID, id domain.ProjectID, name, reason string) error {
	project := domain.Project{ID: id, Name: name}
	return f.store.NameProject(f.Context(), project, project.Named(by, reason))
}

// keyEventIn returns an event about a key at the current time; the zero project is none.
func (f *farm) keyEventIn(
	project domain.ProjectID, kind domain.EventKind, key domain.APIKey, by domain.APIKeyID, reason string,
) domain.Event {
	f.Helper()
	return domain.Event{
		At: f.now(), Kind: kind, Pool: domain.Pool{ProjectID: project}, About: key.ID, Name: key.Name, Key: by, Reason: reason,
	}
}

func (f *farm) nameEvent(project domain.ProjectID, name string, by domain.APIKeyID, reason string) domain.Event {
	f.Helper()
	return domain.Event{
		At: f.now(), Kind: domain.ProjectNamed, Pool: domain.Pool{ProjectID: project}, Name: name, Key: by, Reason: reason,
	}
}

func historyOfKey(f *farm) {
	admin := f.addKey(keyName("admin"))
	f.advance(time.Second + instant)
	u := f.add()
	want := []domain.Event{f.event(u, domain.UserCreated, 0, "")}
	key := f.createKey(admin.ID, "nightly tests", keyName("ci"), keyScope(domain.Only(projectB, projectA)))
	want = append(want,
		f.keyEventIn(projectA, domain.APIKeyCreated, key, admin.ID, "nightly tests"),
		f.keyEventIn(projectB, domain.APIKeyCreated, key, admin.ID, "nightly tests"))
	f.advance(time.Second)
	f.must(f.remove(u.ID()))
	want = append(want, f.event(u, domain.UserRemoved, 0, ""))
	f.must(f.tryRevoke(key.ID, key.ID, "it leaked"))
	want = append(want,
		f.keyEventIn(projectA, domain.APIKeyRevoked, key, key.ID, "it leaked"),
		f.keyEventIn(projectB, domain.APIKeyRevoked, key, key.ID, "it leaked"))
	f.wantHistory(ports.EventQuery{}, want...)
	f.restart()
	f.wantHistory(ports.EventQuery{}, want...)
	f.wantHistory(ports.EventQuery{ProjectID: projectB}, want[2], want[5])
	f.wantHistory(ports.EventQuery{Kinds: []domain.EventKind{domain.APIKeyRevoked, domain.UserRemoved}}, want[3:]...)
	var names []string
	for _, e := range f.historyOf(ports.EventQuery{ProjectID: projectB}) {
		names = append(names, e.KeyName)
	}
	if !slices.Equal(names, []string{"admin", "ci"}) {
		f.Fatalf("the events name the keys %q of the callers", names)
	}
}

func historyOfWideKey(f *farm) {
	key := f.createKey(domain.APIKeyID{}, "")
	created := f.keyEventIn(domain.ProjectID{}, domain.APIKeyCreated, key, domain.APIKeyID{}, "")
	f.advance(time.Second)
	f.must(f.tryRevoke(key.ID, domain.APIKeyID{}, ""))
	f.wantHistory(ports.EventQuery{}, created, f.keyEventIn(domain.ProjectID{}, domain.APIKeyRevoked, key, domain.APIKeyID{}, ""))
	f.wantHistory(ports.EventQuery{Scope: domain.Only(projectA, projectB)})
}

func historyOfNames(f *farm) {
	admin := f.addKey()
	f.advance(time.Second + instant)
	var want []domain.Event
	for _, name := range []string{"Shop", "shop", "Bank", "sho\u0301p", "sh\u00f3p", "", "Shop"} {
		f.must(f.nameProjectBy(admin.ID, projectA, name, "for "+name))
		want = append(want, f.nameEvent(projectA, name, admin.ID, "for "+name))
		f.advance(time.Second)
	}
	f.must(f.nameProjectBy(domain.APIKeyID{}, projectB, "shop 2", ""))
	want = append(want, f.nameEvent(projectB, "shop 2", domain.APIKeyID{}, ""))
	f.wantHistory(ports.EventQuery{}, want...)
	f.restart()
	f.wantHistory(ports.EventQuery{Kinds: []domain.EventKind{domain.ProjectNamed}}, want...)
	f.wantHistory(ports.EventQuery{Scope: domain.Only(projectB)}, want[len(want)-1])
}

func historyOfNothing(f *farm) {
	key := f.createKey(domain.APIKeyID{}, "")
	f.must(f.tryRevoke(key.ID, domain.APIKeyID{}, ""))
	f.must(f.nameProject(projectA, "Shop"))
	before := f.historyOf(ports.EventQuery{})
	f.advance(time.Second)
	f.must(f.tryRevoke(key.ID, domain.APIKeyID{7}, "again"))
	f.must(f.nameProjectBy(domain.APIKeyID{7}, projectA, "Shop", "again"))
	f.must(f.nameProjectBy(domain.APIKeyID{7}, projectB, "", "it has none"))
	if got := f.historyOf(ports.EventQuery{}); !sameEvents(got, before) || len(got) != 3 {
		f.Fatalf("the history is\n\t%+v, and was\n\t%+v", got, before)
	}
}

func historyOfRefusals(f *farm) {
	key := f.createKey(domain.APIKeyID{}, "")
	f.must(f.nameProject(projectA, "Shop"))
	before := f.historyOf(ports.EventQuery{})
	_, err := f.store.AddKey(f.Context(), func(time.Time) (domain.APIKey, []domain.Event, error) {
		key := f.buildKey()
		return key, key.Created(""), errDecide
	})
	f.wantErr("AddKey", err, errDecide)
	_, err = f.store.AddKey(f.Context(), func(time.Time) (domain.APIKey, []domain.Event, error) {
		twin := f.buildKey()
		twin.Digest = key.Digest
		return twin, twin.Created(""), nil
	})
	f.wantErr("adding the same token", err, domain.ErrKeyExists)
	_, _, err = f.store.ChangeKey(f.Context(), key.ID, func(now time.Time, key *domain.APIKey) ([]domain.Event, error) {
		events, err := key.Revoke(now, domain.APIKeyID{}, "")
		return events, errors.Join(err, errDecide)
	})
	f.wantErr("ChangeKey", err, errDecide)
	f.wantErr("the name of another project", f.nameProject(projectB, "SHOP"), domain.ErrProjectNameTaken)
	if got := f.historyOf(ports.EventQuery{}); !sameEvents(got, before) {
		f.Fatalf("after refused changes, the history is\n\t%+v, and was\n\t%+v", got, before)
	}
}

func historyOfRace(f *farm) {
	const n = 12
	key := f.createKey(domain.APIKeyID{}, "")
	f.must(errors.Join(together(n, func(i int) error {
		return f.tryRevoke(key.ID, domain.APIKeyID{}, fmt.Sprint(i))
	})...))
	for _, name := range []string{"Shop", "Bank", ""} {
		f.must(errors.Join(together(n, func(i int) error {
			return f.nameProjectBy(domain.APIKeyID{}, projectA, name, fmt.Sprint(i))
		})...))
	}
	want := []domain.EventKind{
		domain.APIKeyCreated, domain.APIKeyRevoked, domain.ProjectNamed, domain.ProjectNamed, domain.ProjectNamed,
	}
	if got := f.kinds(ports.EventQuery{}); !slices.Equal(got, want) {
		f.Fatalf("the events are %v, want %v", got, want)
	}
}

func historyOfTexts(f *farm) {
	var want []domain.Event
	for i, text := range hostile {
		key := f.createKey(domain.APIKeyID{}, text, keyName(text))
		want = append(want, f.keyEventIn(domain.ProjectID{}, domain.APIKeyCreated, key, domain.APIKeyID{}, text))
		project, name := domain.ProjectID{0: 7, 14: byte(i >> 8), 15: byte(i)}, fmt.Sprint(i, " ", text)
		f.must(f.nameProjectBy(domain.APIKeyID{}, project, name, text))
		want = append(want, f.nameEvent(project, name, domain.APIKeyID{}, text))
	}
	f.wantHistory(ports.EventQuery{}, want...)
}

func historyOfScopes(f *farm) {
	all := f.createKey(domain.APIKeyID{}, "for all", keyName("all"))
	both := f.createKey(domain.APIKeyID{}, "for both", keyName("both"), keyScope(domain.Only(projectA, projectB)))
	one := f.createKey(domain.APIKeyID{}, "for one", keyName("one"), keyScope(domain.Only(projectA)))
	f.must(f.nameProjectBy(domain.APIKeyID{}, projectA, "Shop", "a better name"))
	bare := both
	bare.Name = ""
	event := func(project domain.ProjectID, key domain.APIKey, reason string) domain.Event {
		return f.keyEventIn(project, domain.APIKeyCreated, key, domain.APIKeyID{}, reason)
	}
	named := f.nameEvent(projectA, "Shop", domain.APIKeyID{}, "a better name")
	inBoth := []domain.Event{
		event(projectA, both, "for both"), event(projectB, both, "for both"), event(projectA, one, "for one"), named,
	}
	f.wantHistory(ports.EventQuery{}, append([]domain.Event{event(domain.ProjectID{}, all, "for all")}, inBoth...)...)
	f.wantHistory(ports.EventQuery{Scope: domain.Only(projectA, projectB)}, inBoth...)
	f.wantHistory(ports.EventQuery{Scope: domain.Only(projectA)}, event(projectA, bare, ""), event(projectA, one, "for one"), named)
	f.wantHistory(ports.EventQuery{Scope: domain.Only(projectB)}, event(projectB, bare, ""))
	f.wantHistory(ports.EventQuery{Scope: domain.Only(projectC)})
	f.wantHistory(ports.EventQuery{Scope: domain.Only()})
}

func historyWithoutKeys(f *farm) {
	for i, project := range []domain.ProjectID{projectA, projectB} {
		key := f.createKey(domain.APIKeyID{}, "", keyScope(domain.Only(project)))
		f.use(f.add(inProject(project)))
		f.must(f.nameProject(project, fmt.Sprint("Shop ", i)))
		f.must(f.tryRevoke(key.ID, domain.APIKeyID{}, ""))
		f.createKey(domain.APIKeyID{}, "")
		f.advance(time.Second)
	}
	all := f.historyOf(ports.EventQuery{})
	middle := all[len(all)/2]
	for _, kinds := range [][]domain.EventKind{
		nil, {domain.APIKeyCreated}, {domain.APIKeyRevoked, domain.ProjectNamed}, {domain.APIKeyCreated, domain.UserAcquired},
	} {
		for _, q := range []ports.EventQuery{
			{}, {ProjectID: projectA}, {Scope: domain.Only(projectB)}, {Since: middle.At}, {After: middle.ID}, {Env: "staging"},
			{Owner: "nobody"},
		} {
			for _, newestFirst := range []bool{false, true} {
				q.Kinds, q.NewestFirst, q.WithoutKeys = kinds, newestFirst, true
				f.wantMatching(all, q)
				q.WithoutKeys = false
				f.wantMatching(all, q)
			}
		}
	}
	for _, newestFirst := range []bool{false, true} {
		q := ports.EventQuery{NewestFirst: newestFirst, WithoutKeys: true}
		for limit := 1; limit < 4; limit++ {
			f.wantPages(q, limit, matching(all, q))
		}
	}
}

func historyOfFollowed(f *farm) {
	const rounds = 10
	users := f.addMany(2)
	done := make(chan []error, 1)
	go func() {
		done <- together(4, func(i int) error {
			for round := range rounds {
				var err error
				switch i {
				case 0:
					key := f.createKey(domain.APIKeyID{}, "", keyScope(domain.Only(projectA, projectB)))
					err = f.tryRevoke(key.ID, domain.APIKeyID{}, "")
				case 1:
					err = f.nameProject(projectA, fmt.Sprint("Shop ", round))
				default:
					var lease domain.Lease
					if lease, err = f.tryAcquire(named(users[i-2])); err == nil {
						err = f.release(lease.ID)
					}
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}()
	seen := f.follow(done, ports.EventQuery{})
	if all := f.historyOf(ports.EventQuery{}); !sameEvents(seen, all) || len(all) != len(users)+9*rounds {
		f.Fatalf("the reader got %d of %d events", len(seen), len(all))
	}
}
