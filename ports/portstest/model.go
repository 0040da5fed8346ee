package portstest

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// model is what a store must look like from outside, as plainly as can be said: snapshots in a slice and the rules in
// other words than the domain's, so that neither can hide a mistake of the other.
type model struct {
	now   time.Time
	users []domain.Snapshot // ascending by id
	ended map[domain.LeaseDigest]modelEnd
	calls map[[32]byte]domain.Once // that were carried out; a case does not last until one is forgotten
}

// user returns the user with this id, or nil.
func (m *model) user(id domain.UserID) *domain.Snapshot {
	for i := range m.users {
		if m.users[i].ID == id {
			return &m.users[i]
		}
	}
	return nil
}

// carriers returns the users that carry a lock of the lease, in its order, or the error of a lease without any.
func (m *model) carriers(lease domain.LeaseDigest) ([]*domain.Snapshot, error) {
	var users []*domain.Snapshot
	for i := range m.users {
		if lock := m.users[i].Lock; lock != nil && lock.Lease == lease {
			users = append(users, &m.users[i])
		}
	}
	switch {
	case len(users) > 0:
		slices.SortFunc(users, func(a, b *domain.Snapshot) int { return cmp.Compare(a.Lock.Position, b.Lock.Position) })
		return users, nil
	case m.ended[lease].users != nil:
		return nil, domain.ErrLeaseExpired
	default:
		return nil, domain.ErrLeaseNotFound
	}
}

// modelEnd is how and when the first user left a lease, and the fence of each that did; 0 once a fault of it was reported.
type modelEnd struct {
	how   domain.LeaseEnd
	at    time.Time
	users map[domain.UserID]uint64
}

// leave notes that a user left a lease.
func (m *model) leave(u *domain.Snapshot, how domain.LeaseEnd, at time.Time) {
	if u.Lock == nil || u.Lock.Lease.IsZero() {
		return
	}
	end, known := m.ended[u.Lock.Lease]
	if !known {
		end.users = make(map[domain.UserID]uint64)
	}
	if !known || at.Before(end.at) || at.Equal(end.at) && how < end.how {
		end.how, end.at = how, at
	}
	end.users[u.ID] = u.Fence
	m.ended[u.Lock.Lease] = end
}

// holders returns the users that are held under the lease now, in its order, or the error of a lease that holds nobody.
func (m *model) holders(lease domain.LeaseDigest) ([]*domain.Snapshot, error) {
	users, err := m.carriers(lease)
	if err == nil && slices.ContainsFunc(users, func(u *domain.Snapshot) bool { return !m.held(*u) }) {
		return nil, domain.ErrLeaseExpired
	}
	return users, err
}

func (m *model) held(u domain.Snapshot) bool {
	return u.Lock != nil && (u.Lock.ExpiresAt.IsZero() || m.now.Compare(u.Lock.ExpiresAt) < 0)
}

// lapsed reports whether a user carries a lock that has expired.
func (m *model) lapsed(u domain.Snapshot) bool { return u.Lock != nil && !m.held(u) }

func (m *model) status(u domain.Snapshot) domain.Status {
	if u.Quarantine != nil || m.lapsed(u) && u.Lock.QuarantineOnExpiry {
		return domain.Quarantined
	}
	if m.held(u) {
		return domain.Locked
	}
	return domain.Free
}

// add adds all users or none.
func (m *model) add(users ...domain.Snapshot) error {
	all := slices.Clone(m.users)
	for _, u := range users {
		for _, other := range all {
			sameLogin := strings.EqualFold(other.Login, u.Login) && other.Pool.ProjectID == u.Pool.ProjectID && other.Pool.Env == u.Pool.Env
			if other.ID == u.ID || sameLogin {
				return domain.ErrUserExists
			}
		}
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b domain.Snapshot) int { return compareIDs(a.ID, b.ID) })
	m.users = all
	return nil
}

func (m *model) remove(id domain.UserID) error {
	u := m.user(id)
	if u == nil {
		return domain.ErrUserNotFound
	}
	if m.held(*u) {
		return domain.ErrUserLocked
	}
	m.expire(u)
	m.users = slices.DeleteFunc(m.users, func(u domain.Snapshot) bool { return u.ID == id })
	return nil
}

// lock takes a lock, which the user must be free for.
func (m *model) lock(u *domain.Snapshot, lock domain.Lock) {
	m.expire(u) // which is written down before the next
	lock.AcquiredAt = m.now
	u.Lock = &lock
	u.Fence++
}

func (m *model) lockOpen(id domain.UserID, ttl time.Duration) error {
	if err := m.unavailable(id); err != nil {
		return err
	}
	lock := domain.Lock{}
	if ttl > 0 {
		lock.ExpiresAt = m.now.Add(ttl)
	}
	m.lock(m.user(id), lock)
	return nil
}

func (m *model) releaseOpen(id domain.UserID) error {
	u := m.user(id)
	switch {
	case u == nil:
		return domain.ErrUserNotFound
	case !m.held(*u):
		return domain.ErrUserFree
	case !u.Lock.Lease.IsZero():
		return domain.ErrHeldByLease
	}
	m.unlock(u, domain.LeaseReleased)
	return nil
}

func (m *model) unlock(u *domain.Snapshot, how domain.LeaseEnd) {
	m.leave(u, how, m.now)
	u.Lock, u.ReleasedAt = nil, m.now
}

// expire drops a lock that has expired.
func (m *model) expire(u *domain.Snapshot) {
	if u.Lock != nil {
		m.leave(u, domain.LeaseExpired, u.Lock.ExpiresAt)
		u.Lock, u.ReleasedAt = nil, u.Lock.ExpiresAt
	}
}

func (m *model) renew(lease domain.LeaseDigest, ttl time.Duration) error {
	users, err := m.holders(lease)
	for _, u := range users {
		u.Lock.ExpiresAt = m.now.Add(ttl)
		u.Lock.Renewals++
	}
	return err
}

func (m *model) release(lease domain.LeaseDigest, faults []domain.Fault) error {
	users, err := m.holders(lease)
	if err != nil {
		return err
	}
	for _, fault := range faults {
		mine := slices.ContainsFunc(users, func(u *domain.Snapshot) bool { return u.ID == fault.UserID })
		if !mine || fault.Reason == "" {
			return domain.ErrInvalid
		}
	}
	for _, u := range users {
		m.unlock(u, domain.LeaseReleased)
	}
	for _, fault := range faults {
		m.quarantine(m.user(fault.UserID), fault.Reason)
		m.ended[lease].users[fault.UserID] = 0
	}
	return nil
}

// reportLate keeps the faults of a lease that is over, and returns which users it kept one of.
func (m *model) reportLate(lease domain.LeaseDigest, faults []domain.Fault) (kept []domain.UserID, err error) {
	carriers, err := m.carriers(lease)
	if errors.Is(err, domain.ErrLeaseNotFound) {
		return nil, err
	}
	strange := false
	for _, fault := range faults {
		if fault.Reason == "" {
			return nil, domain.ErrInvalid
		}
		_, left := m.ended[lease].users[fault.UserID]
		mine := left || slices.ContainsFunc(carriers, func(u *domain.Snapshot) bool { return u.ID == fault.UserID })
		strange = strange || !mine
	}
	if strange && len(carriers) > 0 && carriers[0].Lock.Size == len(carriers) {
		return nil, domain.ErrInvalid
	}
	for _, u := range carriers { // if others have left before, only this tells who they were
		m.recordExpiry(u)
	}
	if strange {
		return nil, domain.ErrInvalid
	}
	for _, fault := range faults {
		u, fence := m.user(fault.UserID), m.ended[lease].users[fault.UserID]
		if u == nil || fence != 0 && fence != u.Fence {
			continue
		}
		kept = append(kept, u.ID)
		if fence != 0 && m.status(*u) != domain.Quarantined {
			m.quarantine(u, fault.Reason)
		}
		m.ended[lease].users[u.ID] = 0
	}
	return kept, nil
}

func (m *model) quarantine(u *domain.Snapshot, reason string) {
	since := m.now
	switch {
	case u.Quarantine != nil:
		since = u.Quarantine.Since
	case m.status(*u) == domain.Quarantined: // since its lock expired, which is not written down
		since = u.Lock.ExpiresAt
	}
	u.Quarantine = &domain.Quarantine{Reason: reason, Since: since}
}

// restore ends a quarantine, and with it a lock that has expired.
func (m *model) restore(u *domain.Snapshot) {
	if m.status(*u) != domain.Quarantined {
		return
	}
	if m.lapsed(*u) {
		m.expire(u)
	}
	u.Quarantine = nil
}

// nextExpiry returns when the next lock expires; zero if none will.
func (m *model) nextExpiry() (next time.Time) {
	for _, u := range m.users {
		if u.Lock == nil || u.Lock.ExpiresAt.IsZero() || m.lapsed(u) {
			continue
		}
		if at := u.Lock.ExpiresAt; next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// endExpired writes down the locks that have expired.
func (m *model) endExpired() {
	for i := range m.users {
		if m.lapsed(m.users[i]) {
			m.recordExpiry(&m.users[i])
		}
	}
}

// recordExpiry writes down that a lock has expired.
func (m *model) recordExpiry(u *domain.Snapshot) {
	lock := *u.Lock
	m.expire(u)
	if lock.QuarantineOnExpiry && u.Quarantine == nil {
		u.Quarantine = &domain.Quarantine{Reason: "the lease expired before it was released", Since: lock.ExpiresAt}
	}
}

// repeated returns the error of a call whose key was used by one that was carried out, or nil.
func (m *model) repeated(once domain.Once) error {
	before, known := m.calls[once.Key]
	switch {
	case once == domain.Once{} || !known:
		return nil
	case before.Request != once.Request:
		return domain.ErrIdempotencyMismatch
	default:
		return &domain.RepeatedError{Outcome: before.Outcome}
	}
}

// noteCall remembers that a call was carried out.
func (m *model) noteCall(once domain.Once) {
	if once != (domain.Once{}) {
		m.calls[once.Key] = once
	}
}

// forceLease ends the locks of all users that carry one of the lease, unless it is over.
func (m *model) forceLease(lease domain.LeaseDigest) error {
	users, err := m.carriers(lease)
	for _, u := range users {
		m.forceUser(u)
	}
	return err
}

func (m *model) forceUser(u *domain.Snapshot) {
	if m.held(*u) {
		m.unlock(u, domain.LeaseForced)
	}
}

// giveCode gives a code to the holder of a lease, and returns when it is good no more.
func (m *model) giveCode(lease domain.LeaseDigest, of domain.UserID) (expires time.Time, err error) {
	users, err := m.holders(lease)
	if err != nil {
		return time.Time{}, err
	}
	u := m.user(of)
	begun := m.now.Truncate(codePeriod)
	switch {
	case !slices.Contains(users, u):
		return time.Time{}, domain.ErrUserNotFound
	case u.TOTP == domain.TOTP{}:
		return time.Time{}, domain.ErrNoTOTP
	case !begun.After(u.LastCodeAt):
		return time.Time{}, domain.ErrCodeUsed
	}
	u.LastCodeAt = begun
	return begun.Add(codePeriod), nil
}

// lease describes the lease that holds users.
func (m *model) lease(id domain.LeaseID, users []*domain.Snapshot) domain.Lease {
	lock := users[0].Lock
	lease := domain.Lease{
		ID: id, Owner: lock.Owner, Note: lock.Note, AcquiredAt: lock.AcquiredAt, ExpiresAt: lock.ExpiresAt,
	}
	for _, u := range users {
		lease.Users = append(lease.Users, domain.LeasedUser{
			ID: u.ID, Login: u.Login, Password: u.Password, Pool: u.Pool, Labels: u.Labels,
			HasTOTP: u.TOTP != domain.TOTP{}, Fence: u.Fence,
		})
	}
	return lease
}

func (m *model) list(q ports.Query) (users []domain.Snapshot, more bool) {
	for _, u := range m.users {
		if compareIDs(u.ID, q.After) > 0 && sees(q.Scope, u) &&
			(q.Login == "" || strings.EqualFold(q.Login, u.Login)) &&
			(q.Status == "" || q.Status == m.status(u)) &&
			fits(u, q.ProjectID, q.Env, q.Domain, q.Labels) {
			users = append(users, u)
		}
	}
	if len(users) > q.Limit {
		return users[:q.Limit], true
	}
	return users, false
}

// count returns the counts of all pools of a scope, in no order.
func (m *model) count(scope domain.Scope) map[domain.Pool]domain.PoolCount {
	counts := make(map[domain.Pool]domain.PoolCount)
	for _, u := range m.users {
		if !sees(scope, u) {
			continue
		}
		count := counts[u.Pool]
		count.Pool = u.Pool
		count.Total++
		switch m.status(u) {
		case domain.Free:
			count.Free++
		case domain.Locked:
			count.Locked++
		case domain.Quarantined:
			count.Quarantined++
		}
		counts[u.Pool] = count
	}
	return counts
}

// sees tells whether who may know of a scope may know of a user.
func sees(scope domain.Scope, u domain.Snapshot) bool {
	return !scope.Limited || slices.Contains(scope.Projects, u.Pool.ProjectID)
}

// fits tells whether a user has all of the fields that are set.
func fits(u domain.Snapshot, project domain.ProjectID, env, name string, labels domain.Labels) bool {
	for k, v := range labels {
		if have, ok := u.Labels[k]; !ok || have != v {
			return false
		}
	}
	return (project == domain.ProjectID{} || project == u.Pool.ProjectID) &&
		(env == "" || env == u.Pool.Env) &&
		(name == "" || name == u.Pool.Domain)
}
