package http

import (
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// viewLease returns a lease as the wire shows it to its holder.
func viewLease(lease domain.Lease) Lease {
	users := make([]LeasedUser, len(lease.Users))
	for i, u := range lease.Users {
		users[i] = LeasedUser{
			UserID:    u.ID.String(),
			Login:     u.Login,
			Password:  u.Password.Reveal(),
			ProjectID: u.Pool.ProjectID.String(),
			Env:       u.Pool.Env,
			Domain:    u.Pool.Domain,
			Labels:    Labels(u.Labels),
			HasTOTP:   u.HasTOTP,
			Fence:     u.Fence,
		}
	}
	return Lease{
		LeaseID:    lease.ID.Reveal(),
		Owner:      lease.Owner,
		Note:       lease.Note,
		AcquiredAt: lease.AcquiredAt.UTC(),
		ExpiresAt:  lease.ExpiresAt.UTC(),
		Users:      users,
	}
}

// viewUser returns a user as the wire shows it to anybody.
func viewUser(view domain.View) User {
	user := User{
		UserID:    view.ID.String(),
		CreatedAt: view.CreatedAt.UTC(),
		Login:     view.Login,
		ProjectID: view.Pool.ProjectID.String(),
		Env:       view.Pool.Env,
		Domain:    view.Pool.Domain,
		Labels:    Labels(view.Labels),
		HasTOTP:   view.HasTOTP,
		Status:    Status(view.Status),
	}
	if lock := view.Lock; lock != nil {
		user.Lock = &Lock{
			Owner:      lock.Owner,
			Note:       lock.Note,
			AcquiredAt: lock.AcquiredAt.UTC(),
			ExpiresAt:  unlessZero(lock.ExpiresAt),
			Fence:      lock.Fence,
		}
	}
	if quarantine := view.Quarantine; quarantine != nil {
		user.Quarantine = &Quarantine{Reason: quarantine.Reason, Since: quarantine.Since.UTC()}
	}
	return user
}

func viewUsers(views []domain.View) []User {
	users := make([]User, len(views))
	for i, view := range views {
		users[i] = viewUser(view)
	}
	return users
}

func viewPools(counts []domain.PoolCount) PoolList {
	pools := make([]Pool, len(counts))
	for i, count := range counts {
		pools[i] = Pool{
			ProjectID:   count.Pool.ProjectID.String(),
			Env:         count.Pool.Env,
			Domain:      count.Pool.Domain,
			Total:       count.Total,
			Free:        count.Free,
			Locked:      count.Locked,
			Quarantined: count.Quarantined,
			Waiting:     count.Waiting,

			LongestWaitSeconds: int(count.LongestWait / time.Second),
		}
	}
	return PoolList{Pools: pools}
}

func viewEventPage(page ports.EventPage) EventPage {
	view := EventPage{Events: make([]Event, len(page.Events))}
	for i, e := range page.Events {
		view.Events[i] = viewEvent(e)
	}
	if n := len(view.Events); n > 0 && page.More {
		view.NextCursor = &view.Events[n-1].EventID
	}
	return view
}

// viewEvent returns an event as the wire shows it to anybody.
func viewEvent(e ports.RecordedEvent) Event {
	view := Event{
		EventID:   formatEventID(e.ID),
		At:        e.At.UTC(),
		Kind:      EventKind(e.Kind),
		UserID:    e.UserID.String(),
		Login:     e.Login,
		ProjectID: e.Pool.ProjectID.String(),
		Env:       e.Pool.Env,
		Domain:    e.Pool.Domain,
		Owner:     e.Owner,
		Note:      e.Note,
		Fence:     e.Fence,
		Reason:    e.Reason,
	}
	if !e.Key.IsZero() {
		view.Key = &EventKey{KeyID: e.Key.String(), Name: e.KeyName}
	}
	return view
}

func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
