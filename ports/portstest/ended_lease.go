package portstest

import (
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var endedLeaseTests = []storeTest{
	{"returns the projects of a released lease", endedReleased},
	{"returns the projects of an expired lease", endedExpired},
	{"returns the projects of a forced lease", endedForced},
	{"remembers all projects of an expired lease after its users were taken", endedTaken},
	{"remembers all projects of an expired lease, however it lost its users", endedEveryWay},
	{"remembers the projects of users that were removed", endedRemoved},
	{"keeps the projects of different leases apart", endedApart},
	{"remembers the projects over a restart", endedRestart},
}

// wantEnded fails the test unless the lease is over and had users of these projects.
func (f *farm) wantEnded(id domain.LeaseID, projects ...domain.ProjectID) {
	f.Helper()
	_, _, found := f.store.Find(f.Context(), ports.ByLease(id.Digest()))
	_, updated := f.store.Update(f.Context(), ports.ByLease(id.Digest()), f.undecided)
	for what, err := range map[string]error{"Find": found, "Update": updated} {
		f.wantErr(what, err, domain.ErrLeaseExpired)
		ended, ok := errors.AsType[*domain.EndedLeaseError](err)
		if !ok {
			f.Fatalf("%s: %v (%T) does not name the projects of the lease", what, err, err)
		}
		if want := domain.Only(projects...); !ended.Scope.Equal(want) {
			f.Fatalf("%s: the lease has the scope %+v, want %+v", what, ended.Scope, want)
		}
	}
}

// addToProjects adds a user to each of the projects.
func (f *farm) addToProjects(projects ...domain.ProjectID) []*domain.User {
	f.Helper()
	users := make([]*domain.User, len(projects))
	for i, project := range projects {
		users[i] = f.add(inProject(project))
	}
	return users
}

func endedReleased(f *farm) {
	users := f.addToProjects(projectB, projectA, projectB, projectC)
	single, twice := f.acquire(named(users[3])), f.acquire(named(users[0]), named(users[2]))
	f.must(f.release(single.ID))
	f.wantEnded(single.ID, projectC)
	f.must(f.release(twice.ID))
	f.wantEnded(twice.ID, projectB)

	several := f.acquire(named(users[0]), named(users[1]), named(users[2]))
	f.must(f.release(several.ID, domain.Fault{UserID: users[1].ID(), Reason: "broken"}))
	f.wantEnded(several.ID, projectA, projectB)
	f.wantEnded(single.ID, projectC)
}

func endedExpired(f *farm) {
	users := f.addToProjects(projectB, projectA, projectC)
	lease, strict := f.acquire(named(users[0]), named(users[1])), f.acquireStrictly(named(users[2]))
	f.advance(ttl)
	f.endExpired()
	f.wantEnded(lease.ID, projectA, projectB)
	f.wantEnded(strict.ID, projectC)
}

func endedForced(f *farm) {
	f.addToProjects(projectB, projectA)
	lease := f.acquire(anyone, anyone)
	_, err := f.store.Update(f.Context(), ports.ByLease(lease.ID.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.ForceRelease(now, users, "stuck")
	})
	f.must(err)
	f.wantEnded(lease.ID, projectA, projectB)

	// The same is true if the locks of a lease are forced one by one.
	lease = f.acquire(anyone, anyone)
	for _, u := range lease.Users {
		f.must(f.forceRelease(u.ID))
	}
	f.wantEnded(lease.ID, projectA, projectB)
}

func endedTaken(f *farm) {
	users := f.addToProjects(projectC, projectA, projectB)
	lease := f.acquire(named(users[0]), named(users[1]), named(users[2]))
	f.advance(ttl)
	f.acquire(named(users[2]))
	f.wantCarriers(lease.ID, users[0], users[1])
	f.must(f.lockOpen(users[0].ID(), 0))
	f.wantCarriers(lease.ID, users[1])
	f.advance(time.Hour)
	f.acquire(named(users[1]))
	f.wantEnded(lease.ID, projectA, projectB, projectC)
}

func endedEveryWay(f *farm) {
	users := f.addToProjects(projectC, projectA, projectB)
	lease := f.acquireStrictly(named(users[0]), named(users[1]), named(users[2]))
	f.advance(ttl)
	f.must(f.update(users[0].ID(), restored))
	f.wantCarriers(lease.ID, users[1], users[2])
	f.must(f.remove(users[1].ID()))
	f.wantCarriers(lease.ID, users[2])
	f.endExpired()
	f.wantEnded(lease.ID, projectA, projectB, projectC)
}

func endedRemoved(f *farm) {
	users := f.addToProjects(projectB, projectA)
	released := f.acquire(named(users[0]), named(users[1]))
	f.must(f.release(released.ID))
	expired := f.acquire(named(users[1]), named(users[0]))
	f.advance(ttl)
	for _, u := range users {
		f.must(f.remove(u.ID()))
	}
	f.wantEnded(released.ID, projectA, projectB)
	f.wantEnded(expired.ID, projectA, projectB)
}

func endedApart(f *farm) {
	projects := []domain.ProjectID{projectA, projectB, projectC}
	users := f.addToProjects(projects...)
	var leases []domain.Lease
	for range 2 {
		for _, u := range users {
			lease := f.acquire(named(u))
			f.must(f.release(lease.ID))
			leases = append(leases, lease)
		}
	}
	for i, lease := range leases {
		f.wantEnded(lease.ID, projects[i%len(projects)])
	}
	f.wantLeaseErr(domain.NewLeaseID(), domain.ErrLeaseNotFound)
}

func endedRestart(f *farm) {
	users := f.addToProjects(projectB, projectA, projectC)
	released := f.acquire(named(users[0]), named(users[1]))
	f.must(f.release(released.ID))
	expired := f.acquire(named(users[2]), named(users[1]))
	f.advance(ttl)
	f.acquire(named(users[1]))
	f.restart()
	f.wantEnded(released.ID, projectA, projectB)
	f.wantCarriers(expired.ID, users[2])
	f.acquire(named(users[2]))
	f.wantEnded(expired.ID, projectA, projectC)
	f.restart()
	f.wantEnded(expired.ID, projectA, projectC)
}
