package client

import (
	"math"
	"strings"
	"time"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// views turn the types of answers into those of the domain. They note whether an answer has something that is not an id.
type views struct{ bad bool }

// check returns an error if an answer had something that can't be read.
func (v *views) check(of call) error {
	if v.bad {
		return unreadable(of)
	}
	return nil
}

// id parses an id.
func id[T ~[16]byte](v *views, text string) T {
	parsed, err := domain.ParseUserID(text) // all ids have one form
	v.bad = v.bad || err != nil
	return T(parsed)
}

// optionalID is id, and zero for null.
func optionalID[T ~[16]byte](v *views, text *string) (none T) {
	if text == nil {
		return none
	}
	return id[T](v, *text)
}

func (v *views) lease(l api.Lease) domain.Lease {
	lease := domain.Lease{
		ID: id[domain.LeaseID](v, l.LeaseID), Owner: l.Owner, Note: l.Note, AcquiredAt: l.AcquiredAt, ExpiresAt: l.ExpiresAt,
		Users: make([]domain.LeasedUser, len(l.Users)),
	}
	for i, u := range l.Users {
		lease.Users[i] = domain.LeasedUser{
			ID: id[domain.UserID](v, u.UserID), Login: u.Login, Password: domain.NewSecret(u.Password),
			Pool: v.pool(u.ProjectID, u.Env, u.Domain), Labels: domain.Labels(u.Labels), HasTOTP: u.HasTOTP, Fence: u.Fence,
			SessionSavedAt: timeOf(u.SessionSavedAt),
		}
	}
	return lease
}

func (v *views) pool(project, env, dom string) domain.Pool {
	return domain.Pool{ProjectID: id[domain.ProjectID](v, project), Env: env, Domain: dom}
}

func (v *views) user(u api.User) domain.View {
	view := domain.View{
		ID: id[domain.UserID](v, u.UserID), CreatedAt: u.CreatedAt, Login: u.Login, Pool: v.pool(u.ProjectID, u.Env, u.Domain),
		Labels: domain.Labels(u.Labels), HasTOTP: u.HasTOTP, Status: domain.Status(u.Status),
	}
	if lock := u.Lock; lock != nil {
		view.Lock = &domain.LockView{
			Owner: lock.Owner, Note: lock.Note, AcquiredAt: lock.AcquiredAt, ExpiresAt: timeOf(lock.ExpiresAt), Fence: lock.Fence,
			Renewals: lock.Renewals,
		}
	}
	if quarantine := u.Quarantine; quarantine != nil {
		view.Quarantine = &domain.Quarantine{Reason: quarantine.Reason, Since: quarantine.Since}
	}
	return view
}

func (v *views) event(e api.Event) ports.RecordedEvent {
	names := make([]string, len(e.Changed))
	for i, name := range e.Changed {
		names[i] = string(name)
	}
	event := ports.RecordedEvent{ID: v.eventID(e.EventID), Event: domain.Event{
		At: e.At, Kind: domain.EventKind(e.Kind), UserID: optionalID[domain.UserID](v, e.UserID), Login: e.Login,
		Pool:  domain.Pool{ProjectID: optionalID[domain.ProjectID](v, e.ProjectID), Env: e.Env, Domain: e.Domain},
		Owner: e.Owner, Note: e.Note, Fence: e.Fence, Reason: e.Reason, Name: e.Name,
		Changed: domain.ParseChangedFields(strings.Join(names, ",")),
		Waited:  milliseconds(e.WaitedSeconds), Held: milliseconds(e.HeldSeconds),
	}}
	if len(e.Want) > 0 {
		event.Want = v.want(e.Want)
	}
	if e.Key != nil {
		event.Key, event.KeyName = id[domain.APIKeyID](v, e.Key.KeyID), e.Key.Name
	}
	event.About = optionalID[domain.APIKeyID](v, e.AboutKeyID)
	return event
}

func (v *views) key(k api.Key) domain.KeyView {
	view := domain.KeyView{Status: domain.KeyStatus(k.Status), APIKey: domain.APIKey{
		ID: id[domain.APIKeyID](v, k.KeyID), Name: k.Name, Role: domain.Role(k.Role),
		CreatedAt: k.CreatedAt, CreatedBy: optionalID[domain.APIKeyID](v, k.CreatedBy), ExpiresAt: timeOf(k.ExpiresAt),
		RevokedAt: timeOf(k.RevokedAt), RevokedBy: optionalID[domain.APIKeyID](v, k.RevokedBy), LastUsedAt: timeOf(k.LastUsedAt),
	}}
	if k.Projects != nil {
		projects := make([]domain.ProjectID, len(*k.Projects))
		for i, project := range *k.Projects {
			projects[i] = id[domain.ProjectID](v, project)
		}
		view.Scope = domain.Only(projects...)
	}
	return view
}

func (v *views) waiter(w api.Waiter) domain.Waiter {
	waiter := domain.Waiter{
		Asker: domain.Asker{Owner: w.Owner, Note: w.Note, Key: optionalID[domain.APIKeyID](v, w.Key)}, Since: w.Since, Until: w.Until,
		Want: v.want(w.Users),
	}
	return waiter
}

func (v *views) want(selectors []api.WaiterSelector) []domain.Selector {
	want := make([]domain.Selector, len(selectors))
	for i, s := range selectors {
		want[i] = domain.Selector{
			UserID: optionalID[domain.UserID](v, s.UserID), ProjectID: optionalID[domain.ProjectID](v, s.ProjectID),
			Env: textOf(s.Env), Domain: textOf(s.Domain),
		}
		if s.Labels != nil {
			want[i].Labels = domain.Labels(*s.Labels)
		}
	}
	return want
}

// milliseconds returns a duration that the farm has rounded to milliseconds. A float64 has only something near to it.
func milliseconds(seconds float64) time.Duration {
	return time.Duration(math.Round(seconds*1000)) * time.Millisecond
}

// textOf returns the empty text for null.
func textOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// given returns a pointer to a value, or nil for the zero value, which sets nothing.
func given[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// givenID is given for an id.
func givenID[T interface {
	~[16]byte
	String() string
}](id T) *string {
	if id == (T{}) {
		return nil
	}
	return new(id.String())
}
