package portstest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var modelTests = []storeTest{
	{"answers whatever is asked of it as the model does", behaveLikeModel},
}

// behaveLikeModel plays random calls against the store and the model. All cases share the store, and each has two projects
// of its own. Time goes by in microseconds, so that the calls meet expiries all the while, before and after and exactly.
func behaveLikeModel(f *farm) {
	rapid.Check(f, func(t *rapid.T) {
		f.advance(betweenCases)
		m := &machine{farm: f, model: model{
			now: f.now(), ended: make(map[domain.LeaseDigest]modelEnd), calls: make(map[[32]byte]domain.Once),
		}}
		_, _ = rand.Read(m.projects[0][:]) // never fails, by its documentation
		m.projects[1] = m.projects[0]
		m.projects[1][15]++
		m.addFirst(t)
		defer m.dismissAll(t)
		t.Repeat(m.actions())
		m.compareAll(t)
	})
}

// betweenCases is how much later the next case begins. Where the process has a clock that stands still, it is also what
// a case takes as far as rapid can tell, which looks for a smaller case that fails until half a minute is over.
const betweenCases = 50 * time.Millisecond

// machine is a store and a model that are asked the same. It fails through the test of one case, never through that of
// the farm.
type machine struct {
	*farm
	model    model
	projects [2]domain.ProjectID
	leases   []domain.LeaseID // all that were granted
	line     []*modelWaiter
	calls    int // since the case began
}

// errChanged is what a decide returns that refuses after it has changed users.
var errChanged = errors.New("changed my mind")

// actions returns what a case may do, some of it under several names so that it does it more often.
func (m *machine) actions() map[string]func(*rapid.T) {
	// A call takes a database a while, so a case makes only so many, and looks at everything only after a few of them:
	// what differs once will still differ.
	const many, few = 20, 5
	actions := map[string]func(*rapid.T){
		"add":          m.addSome,
		"find user":    m.findUser,
		"find lease":   m.findLease,
		"list":         m.listPage,
		"count":        m.countPools,
		"claim 1":      m.claim,
		"claim 2":      m.claim,
		"claim 3":      m.claim,
		"renew":        m.renewLease,
		"release 1":    m.releaseLease,
		"release 2":    m.releaseLease,
		"report late":  m.reportFaults,
		"force lease":  m.forceLease,
		"force user":   m.forceUser,
		"lock open":    m.lockOpenly,
		"release open": m.releaseOpenly,
		"quarantine":   m.quarantineUser,
		"restore 1":    m.restoreUser,
		"restore 2":    m.restoreUser,
		"change":       m.changeUser,
		"code 1":       m.codeOfUser,
		"code 2":       m.codeOfUser,
		"remove":       m.removeUser,
		"wait 1":       m.wait,
		"wait 2":       m.wait,
		"wait long":    m.waitForCode,
		"expire 1":     m.endExpired,
		"expire 2":     m.endExpired,
		"stand 1":      m.stand,
		"stand 2":      m.stand,
		"stand 3":      m.stand,
	}
	for name, action := range actions {
		actions[name] = func(t *rapid.T) {
			if m.calls == many {
				return
			}
			action(t)
			m.serveLine(t)
			m.refuseHopeless(t)
			if m.calls++; m.calls%few == 0 {
				m.compareAll(t)
			}
		}
	}
	return actions
}

// compareAll fails the case unless the store has the users of the model and tells the same time.
func (m *machine) compareAll(t *rapid.T) {
	m.compareList(t, ports.Query{Scope: domain.Only(m.projects[:]...), Limit: 100})
}

func (m *machine) compareList(t *rapid.T, q ports.Query) {
	page, err := m.store.List(m.Context(), q)
	if err != nil {
		t.Fatalf("list %+v: %v", q, err)
	}
	want, more := m.model.list(q)
	if len(page.Users) != len(want) || page.More != more || page.Now != m.model.now {
		t.Fatalf("list %+v: got %d users, more %v, at %v; want %d, %v, at %v",
			q, len(page.Users), page.More, page.Now, len(want), more, m.model.now)
	}
	for i, u := range page.Users {
		if d := difference(u.Snapshot(), want[i]); d != "" {
			t.Fatalf("list %+v: user %d is not as it should be:%s", q, i, d)
		}
	}
}

// expect fails the case unless err is what the model returned.
func (m *machine) expect(t *rapid.T, err, want error) {
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

// expectLease fails the case unless the store answered with the lease, or the error, that the model has.
func (m *machine) expectLease(t *rapid.T, id domain.LeaseID, got domain.Lease, err error) {
	users, want := m.model.holders(id.Digest())
	m.expect(t, err, want)
	if err != nil {
		return
	}
	if lease := m.model.lease(id, users); !reflect.DeepEqual(got, lease) {
		t.Fatalf("lease is\n\t%+v, want\n\t%+v", got, lease)
	}
}

// enough is the most users of a case: the model tries every way to serve a claim.
const enough = 6

// addFirst adds users that do not get into each other's way.
func (m *machine) addFirst(t *rapid.T) {
	login := func(s domain.Spec) string { return s.Login }
	specs := rapid.SliceOfNDistinct(rapid.Custom(drawSpec), 2, enough, login).Draw(t, "specs")
	numbers := rapid.Permutation([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}).Draw(t, "ids")
	m.add(t, specs, numbers[:len(specs)])
}

// addSome adds users that may be there already.
func (m *machine) addSome(t *rapid.T) {
	specs := rapid.SliceOfN(rapid.Custom(drawSpec), 1, 2).Draw(t, "specs")
	numbers := rapid.SliceOfN(rapid.ByteRange(1, 9), len(specs), len(specs)).Draw(t, "ids")
	if len(m.model.users)+len(specs) <= enough {
		m.add(t, specs, numbers)
	}
}

func (m *machine) add(t *rapid.T, specs []domain.Spec, numbers []byte) {
	var users []*domain.User
	var snapshots []domain.Snapshot
	for i, spec := range specs {
		spec.Pool.ProjectID = m.drawProject(t)
		u, err := domain.NewUser(m.id(numbers[i]), m.model.now, spec)
		if err != nil {
			t.Fatal(err)
		}
		users, snapshots = append(users, u), append(snapshots, u.Snapshot())
	}
	once := m.drawOnce(t)
	err := m.store.Add(m.Context(), once, users...)
	if want := m.model.repeated(once); want != nil {
		m.expectRepeated(t, err, want)
		return
	}
	m.expect(t, err, m.model.add(snapshots...))
	if err == nil {
		m.model.noteCall(once)
	}
}

// expectRepeated fails the case unless err is that of a call which was carried out before.
func (m *machine) expectRepeated(t *rapid.T, err, want error) {
	first, repeated := errors.AsType[*domain.RepeatedError](want)
	if !repeated {
		m.expect(t, err, want)
		return
	}
	if got, ok := errors.AsType[*domain.RepeatedError](err); !ok || got.Outcome != first.Outcome {
		t.Fatalf("got error %v, want that the call was carried out before, with the outcome of then", err)
	}
}

func (m *machine) findUser(t *rapid.T) {
	id := m.drawUser(t)
	users, now, err := m.store.Find(m.Context(), ports.ByUser(id))
	want := m.model.user(id)
	if want == nil {
		m.expect(t, err, domain.ErrUserNotFound)
		return
	}
	m.expect(t, err, nil)
	if d := difference(users[0].Snapshot(), *want); d != "" || len(users) != 1 || now != m.model.now {
		t.Fatalf("found %d users at %v, want one at %v:%s", len(users), now, m.model.now, d)
	}
}

func (m *machine) findLease(t *rapid.T) {
	id := m.drawLease(t)
	carriers, want := m.model.carriers(id.Digest())
	users, _, err := m.store.Find(m.Context(), ports.ByLease(id.Digest()))
	m.expect(t, err, want)
	if len(users) != len(carriers) {
		t.Fatalf("found %d users, want %d", len(users), len(carriers))
	}
	if errors.Is(want, domain.ErrLeaseExpired) {
		m.expectEnd(t, id, err)
	}
	for i, u := range users {
		if d := difference(u.Snapshot(), *carriers[i]); d != "" {
			t.Fatalf("user %d is not as it should be:%s", i, d)
		}
	}
	lease, err := m.read(id)
	m.expectLease(t, id, lease, err)
}

func (m *machine) listPage(t *rapid.T) {
	q := rapid.Custom(drawQuery).Draw(t, "query")
	q.Scope = m.drawScope(t)
	if rapid.Bool().Draw(t, "project") {
		q.ProjectID = m.drawProject(t)
	}
	if rapid.Bool().Draw(t, "after") {
		q.After = m.drawUser(t)
	}
	m.compareList(t, q)
}

func (m *machine) countPools(t *rapid.T) {
	scope := m.drawScope(t)
	counts, err := m.store.CountPools(m.Context(), scope)
	m.expect(t, err, nil)
	want := m.model.count(scope)
	for _, count := range counts {
		if len(m.line) > 0 {
			count.Waiting, count.LongestWait = 0, 0
		}
		if count != want[count.Pool] {
			t.Fatalf("count is %+v, want %+v", count, want[count.Pool])
		}
		delete(want, count.Pool)
	}
	if len(want) > 0 {
		t.Fatalf("counts lack %+v", want)
	}
}

func (m *machine) claim(t *rapid.T) {
	want := m.drawSelectors(t)
	terms := m.drawTerms(t)
	refuse := rapid.IntRange(0, 9).Draw(t, "refuse") == 9
	once := m.drawOnce(t)
	id := domain.NewLeaseID()
	var lease domain.Lease
	var decidedAt time.Time
	users, err := m.store.Claim(m.Context(), ports.Claim{Want: want, Once: once, Decide: func(now time.Time, users []*domain.User) (err error) {
		decidedAt = now
		if lease, err = domain.Grant(now, id, terms.Terms, users); err == nil && refuse {
			return errChanged
		}
		return err
	}})
	if want := m.model.repeated(once); want != nil {
		m.expectRepeated(t, err, want)
		return
	}
	if refuse && errors.Is(err, errChanged) {
		return
	}
	if err := m.model.checkClaim(want, ids(users), err); err != nil {
		t.Fatalf("claim %+v: %v", want, err)
	}
	if err != nil {
		return
	}
	if refuse || decidedAt != m.model.now {
		t.Fatalf("claim was granted at %v although it was refused: %v", decidedAt, refuse)
	}
	m.model.noteCall(once)
	m.grant(id, terms, ids(users))
	m.expectLease(t, id, lease, nil)
}

// grant locks users of the model under a lease.
func (m *machine) grant(id domain.LeaseID, terms drawnTerms, users []domain.UserID) {
	for i, user := range users {
		m.model.lock(m.model.user(user), domain.Lock{
			Lease: id.Digest(), Position: i, Size: len(users), Owner: terms.Owner, Note: terms.Note, ExpiresAt: m.model.now.Add(terms.TTL),
			QuarantineOnExpiry: terms.quarantines,
		})
	}
	m.leases = append(m.leases, id)
}

func (m *machine) renewLease(t *rapid.T) {
	id, ttl := m.drawLease(t), drawTTL.Draw(t, "ttl")
	lease, err := m.renew(id, ttl)
	m.expect(t, err, m.model.renew(id.Digest(), ttl))
	m.expectLease(t, id, lease, err)
}

func (m *machine) releaseLease(t *rapid.T) {
	id, faults := m.drawLease(t), m.drawFaults(t, 0, 0, 0, 1, 2)
	err := m.release(id, faults...)
	m.expect(t, err, m.model.release(id.Digest(), faults))
}

// reportFaults reports faults of a lease that is over.
func (m *machine) reportFaults(t *rapid.T) {
	id, faults := m.drawLease(t), m.drawFaults(t, 1, 2)
	if users, err := m.model.holders(id.Digest()); len(users) > 0 && err == nil {
		return
	}
	kept, err := m.reportLate(id, faults...)
	want, wantErr := m.model.reportLate(id.Digest(), faults)
	m.expect(t, err, wantErr)
	if !slices.Equal(kept, want) {
		t.Fatalf("kept the faults of %v, want %v", kept, want)
	}
}

// drawFaults draws faults, as many as one of these numbers.
func (m *machine) drawFaults(t *rapid.T, numbers ...int) (faults []domain.Fault) {
	for i := range rapid.SampledFrom(numbers).Draw(t, "faults") {
		faults = append(faults, domain.Fault{
			UserID: m.drawUser(t), Reason: rapid.SampledFrom([]string{"", "broken", "again"}).Draw(t, fmt.Sprint("reason ", i)),
		})
	}
	return faults
}

// expectEnd fails the case unless err tells of a lease without users what the model knows.
func (m *machine) expectEnd(t *rapid.T, id domain.LeaseID, err error) {
	want := m.model.ended[id.Digest()]
	got, ok := errors.AsType[*domain.EndedLeaseError](err)
	if !ok || got.End != want.how || got.At != want.at || len(got.Users) != len(want.users) {
		t.Fatalf("got error %v, want that the lease was %s at %v", err, want.how, want.at)
	}
	for _, u := range got.Users {
		if fence, left := want.users[u.ID]; !left || u.Fence != fence {
			t.Fatalf("user %v left the lease with the fence %d, want %d, %v", u.ID, u.Fence, fence, left)
		}
	}
}

func (m *machine) forceLease(t *rapid.T) {
	id := m.drawLease(t)
	_, err := m.store.Update(m.Context(), ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.ForceRelease(now, users, "")
	})
	m.expect(t, err, m.model.forceLease(id.Digest()))
}

func (m *machine) forceUser(t *rapid.T) {
	id := m.drawUser(t)
	m.change(t, id, m.forceRelease(id), m.model.forceUser)
}

func (m *machine) lockOpenly(t *rapid.T) {
	id, ttl := m.drawUser(t), rapid.SampledFrom([]time.Duration{0, 1, 2, 3}).Draw(t, "ttl")*instant
	err := m.lockOpen(id, ttl)
	m.expect(t, err, m.model.lockOpen(id, ttl))
}

func (m *machine) releaseOpenly(t *rapid.T) {
	id := m.drawUser(t)
	err := m.releaseOpen(id)
	m.expect(t, err, m.model.releaseOpen(id))
}

func (m *machine) quarantineUser(t *rapid.T) {
	id, reason := m.drawUser(t), rapid.SampledFrom([]string{"broken", "again"}).Draw(t, "reason")
	m.change(t, id, m.quarantine(id, reason), func(u *domain.Snapshot) { m.model.quarantine(u, reason) })
}

func (m *machine) restoreUser(t *rapid.T) {
	id := m.drawUser(t)
	m.change(t, id, m.update(id, restored), m.model.restore)
}

func (m *machine) changeUser(t *rapid.T) {
	id, spec := m.drawUser(t), rapid.Custom(drawSpec).Draw(t, "change")
	refuse := rapid.IntRange(0, 4).Draw(t, "refuse") == 4
	err := m.update(id, func(now time.Time, u *domain.User) error {
		if err := u.Change(now, domain.Change{Password: &spec.Password, Labels: &spec.Labels, TOTP: &spec.TOTP}); err != nil || !refuse {
			return err
		}
		return errChanged
	})
	if refuse && errors.Is(err, errChanged) {
		return
	}
	m.change(t, id, err, func(u *domain.Snapshot) {
		u.Password, u.Labels = spec.Password, spec.Labels.Clone()
		u.TOTP = spec.TOTP
	})
}

func (m *machine) codeOfUser(t *rapid.T) {
	id, of := m.drawLease(t), m.drawUser(t)
	var code domain.OneTimeCode
	_, err := m.store.Update(m.Context(), ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) (err error) {
		code, err = domain.GiveCode(now, id, users, of, 0)
		return err
	})
	expires, want := m.model.giveCode(id.Digest(), of)
	m.expect(t, err, want)
	if !code.ExpiresAt.Equal(expires) {
		t.Fatalf("a code runs until %v, want %v", code.ExpiresAt, expires)
	}
}

func (m *machine) removeUser(t *rapid.T) {
	id := m.drawUser(t)
	err := m.remove(id)
	m.expect(t, err, m.model.remove(id))
}

func (m *machine) wait(t *rapid.T) {
	m.pass(t, rapid.SampledFrom([]time.Duration{1, 1, 2, 3}).Draw(t, "wait")*instant)
}

// waitForCode waits until just before there are other codes.
func (m *machine) waitForCode(t *rapid.T) {
	const before = 2 * instant
	if d := m.model.now.Truncate(codePeriod).Add(codePeriod).Sub(m.model.now) - before; d > 0 {
		m.pass(t, d)
	}
}

// endExpired writes down the locks that have expired. Those of other cases may expire sooner than the next one of this case.
func (m *machine) endExpired(t *rapid.T) {
	next, err := m.store.EndExpired(m.Context())
	m.expect(t, err, nil)
	m.model.endExpired()
	if want := m.model.nextExpiry(); !want.IsZero() && (next <= 0 || next > want.Sub(m.model.now)) {
		t.Fatalf("the next lock expires in %v, want at most %v", next, want.Sub(m.model.now))
	}
}

// pass lets time go by. It stops whenever a lock expires, because a claim in line may be served just then.
func (m *machine) pass(t *rapid.T, d time.Duration) {
	for end := m.model.now.Add(d); m.model.now.Before(end); m.serveLine(t) {
		until := end
		if next := m.model.nextExpiry(); !next.IsZero() && next.Before(end) {
			until = next
		}
		m.showExpiry(t)
		m.advance(until.Sub(m.model.now))
		m.model.now = until
	}
}

// change changes a user of the model as the store, which returned err, has changed its own.
func (m *machine) change(t *rapid.T, id domain.UserID, err error, apply func(u *domain.Snapshot)) {
	u := m.model.user(id)
	if u == nil {
		m.expect(t, err, domain.ErrUserNotFound)
		return
	}
	m.expect(t, err, nil)
	apply(u)
}
