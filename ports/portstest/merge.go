package portstest

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var mergeTests = []storeTest{
	{"looks users up by their identities", lookUp},
	{"names rows of one import with the same identity", lookUpTwins},
	{"changes users and adds others, all or none", mergeAll},
	{"refuses to change users that were removed, and to add a login twice", mergeStale},
	{"carries a call out once", mergeOnce},
	{"changes locked users, and keeps their locks", mergeLocked},
	{"adds no login twice when merges compete", mergeConcurrently},
}

func identityOf(u *domain.User) domain.Identity {
	s := u.Snapshot()
	return domain.Identity{ProjectID: s.Pool.ProjectID, Env: s.Pool.Env, Login: s.Login}
}

func lookUp(f *farm) {
	u := f.add(withLogin("ann@example.com"))
	other := identityOf(u)
	other.Env = "prod"
	loud := identityOf(u)
	loud.Login = strings.ToUpper(loud.Login)
	identities := []domain.Identity{other, loud, {}, {Env: "\xff", Login: "\x00"}}
	ids, err := f.store.UserIDs(f.Context(), identities)
	f.must(err)
	f.wantEqual("the ids", ids, []domain.UserID{{}, u.ID(), {}, {}})
	seen, err := f.store.LookUp(f.Context(), ports.ImportPlace{}, identities)
	f.must(err)
	if len(seen) != 4 || seen[0] != (ports.Sighting{}) || seen[2] != (ports.Sighting{}) || seen[3] != (ports.Sighting{}) {
		f.Fatalf("got %+v", seen)
	}
	f.wantSame(seen[1].User, u)
}

func lookUpTwins(f *farm) {
	u := f.build()
	one, two := identityOf(u), identityOf(f.build())
	place := ports.ImportPlace{Import: domain.ImportKey{1}, FirstRow: 3}
	f.must(f.store.StageImport(f.Context(), ports.ImportChunk{
		ImportPlace: ports.ImportPlace{Import: place.Import, FirstRow: 1}, Identities: []domain.Identity{{}, two},
	}))
	f.must(f.store.StageImport(f.Context(), ports.ImportChunk{ImportPlace: place, Identities: []domain.Identity{one}}))
	twins := func(in ports.ImportPlace) (twins []int) {
		seen, err := f.store.LookUp(f.Context(), in, []domain.Identity{one, {}, two, {}, one})
		f.must(err)
		for _, s := range seen {
			twins = append(twins, s.Twin)
		}
		return twins
	}
	f.wantEqual("the twins in an import", twins(place), []int{0, 0, 2, 0, 3})
	f.wantEqual("the twins in no import", twins(ports.ImportPlace{}), []int{0, 0, 0, 0, 1})
	f.wantEqual("the twins in another import", twins(ports.ImportPlace{Import: domain.ImportKey{2}, FirstRow: 3}), []int{0, 0, 0, 0, 3})
}

// merge sets the password of users, and adds those that are absent.
func (f *farm) merge(once domain.Once, password string, users ...*domain.User) error {
	identities := make([]domain.Identity, len(users))
	for i, u := range users {
		identities[i] = identityOf(u)
	}
	ids, err := f.store.UserIDs(f.Context(), identities)
	f.must(err)
	merge := ports.Merge{Once: once}
	var absent []*domain.User
	for i, id := range ids {
		if id.IsZero() {
			absent = append(absent, users[i])
		} else {
			merge.Users = append(merge.Users, id)
		}
	}
	merge.Decide = func(now time.Time, found []*domain.User) (added []*domain.User, outcome [16]byte, err error) {
		for _, u := range found {
			secret := domain.NewSecret(password)
			if err := u.Change(now, domain.Change{Password: &secret}); err != nil {
				return nil, outcome, err
			}
		}
		return absent, [16]byte{byte(len(absent))}, nil
	}
	return f.store.Merge(f.Context(), merge)
}

func mergeAll(f *farm) {
	old, absent := f.add(), f.build()
	f.must(f.merge(domain.Once{}, "another", absent, old))
	f.wantKinds(old, domain.UserCreated, domain.UserChanged)
	f.wantKinds(absent, domain.UserCreated)
	f.wantSame(f.get(absent.ID()), absent)
	if f.get(old.ID()).Snapshot().Password.Reveal() != "another" {
		f.Error("the user was not changed")
	}

	failed := errors.New("failed")
	before := f.get(old.ID())
	err := f.store.Merge(f.Context(), ports.Merge{
		Users: []domain.UserID{old.ID()},
		Decide: func(now time.Time, users []*domain.User) ([]*domain.User, [16]byte, error) {
			secret := domain.NewSecret("a third")
			f.must(users[0].Change(now, domain.Change{Password: &secret}))
			return []*domain.User{f.build()}, [16]byte{}, failed
		},
	})
	f.wantErr("a merge whose decide fails", err, failed)
	f.wantSame(f.get(old.ID()), before)
	f.wantEqual("the users", len(f.everyone()), 2)
}

func mergeStale(f *farm) {
	old, gone := f.add(), f.add()
	f.must(f.store.Remove(f.Context(), gone.ID(), func(time.Time, []*domain.User) error { return nil }))
	before := f.get(old.ID())
	change := func(now time.Time, users []*domain.User) error {
		secret := domain.NewSecret("another")
		return users[0].Change(now, domain.Change{Password: &secret})
	}
	once := domain.Once{Key: [32]byte{1}, Request: [32]byte{2}}
	f.wantErr("a merge that changes a removed user", f.store.Merge(f.Context(), ports.Merge{
		Users: []domain.UserID{old.ID(), gone.ID()}, Once: once,
		Decide: func(now time.Time, users []*domain.User) ([]*domain.User, [16]byte, error) {
			return []*domain.User{f.build()}, [16]byte{}, change(now, users)
		},
	}), domain.ErrUserNotFound)
	twin := f.build(withLogin(before.Snapshot().Login))
	f.wantErr("a merge that adds a login twice", f.store.Merge(f.Context(), ports.Merge{
		Users: []domain.UserID{old.ID()}, Once: once,
		Decide: func(now time.Time, users []*domain.User) ([]*domain.User, [16]byte, error) {
			return []*domain.User{f.build(), twin}, [16]byte{}, change(now, users)
		},
	}), domain.ErrUserExists)
	f.wantSame(f.get(old.ID()), before)
	f.wantEqual("the users", len(f.everyone()), 1)
	f.must(f.merge(once, "another", old)) // no refused call was carried out
}

func mergeOnce(f *farm) {
	once := domain.Once{Key: [32]byte{1}, Request: [32]byte{2}}
	one, two := f.build(), f.build()
	f.must(f.merge(once, "another", one))
	f.restart()
	repeated, ok := errors.AsType[*domain.RepeatedError](f.merge(once, "a third", one, two))
	if !ok || repeated.Outcome != [16]byte{1} {
		f.Errorf("got %+v", repeated)
	}
	f.wantEqual("the users", len(f.everyone()), 1)
	once.Request[0] = 3
	f.wantErr("another request", f.merge(once, "a third", one), domain.ErrIdempotencyMismatch)
	once.Key[0] = 3
	f.must(f.merge(once, "a third", one))
	if _, ok := errors.AsType[*domain.RepeatedError](f.merge(once, "a fourth", one)); !ok {
		f.Error("a call that adds nobody is not remembered")
	}
}

func mergeLocked(f *farm) {
	u := f.add()
	lease := f.acquire(named(u))
	f.must(f.merge(domain.Once{}, "another", u))
	read, err := f.read(lease.ID)
	f.must(err)
	if read.Users[0].Password.Reveal() != "another" {
		f.Error("the holder has the old password")
	}
}

func mergeConcurrently(f *farm) {
	var running sync.WaitGroup
	users := []*domain.User{f.build(), f.build(), f.build()}
	pool := users[0].Pool()
	for range 4 {
		var own []*domain.User
		for _, u := range users {
			s := u.Snapshot()
			s.ID, s.Pool = f.build().ID(), pool
			created, err := domain.NewUser(s.ID, f.born, domain.Spec{Login: s.Login, Password: s.Password, Pool: s.Pool})
			f.must(err)
			own = append(own, created)
		}
		running.Go(func() {
			err := f.merge(domain.Once{}, "another", own...)
			for errors.Is(err, domain.ErrUserExists) {
				err = f.merge(domain.Once{}, "another", own...)
			}
			if err != nil {
				f.Error(err)
			}
		})
	}
	running.Wait()
	f.wantEqual("the users", len(f.everyone()), len(users))
}
