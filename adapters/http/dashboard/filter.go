package dashboard

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// filter is what the address bar asks a page for.
type filter struct {
	Project    string // a name or an id
	ProjectID  domain.ProjectID
	Env        string
	Domain     string
	Labels     domain.Labels
	Owner      string
	Login      string
	Status     domain.Status
	Kind       domain.EventKind
	User       domain.UserID
	AfterUser  domain.UserID
	AfterEvent ports.EventID
	Target     time.Duration // of an advice
	Page       int           // from 0

	values url.Values // without those that are empty
}

// The names of the fields of a filter.
var (
	poolFields = []string{"project", "env", "domain"}
	userFields = append(slices.Clone(poolFields), "label", "owner", "login")
)

var filterParameters = read.Parameters[filter]{
	"project": read.TextParameter(func(f *filter) *string { return &f.Project }),
	"env":     read.TextParameter(func(f *filter) *string { return &f.Env }),
	"domain":  read.TextParameter(func(f *filter) *string { return &f.Domain }),
	"owner":   read.TextParameter(func(f *filter) *string { return &f.Owner }),
	"login":   read.TextParameter(func(f *filter) *string { return &f.Login }),
	"label":   readLabels,
	"id":      read.IDParameter(func(f *filter) *domain.UserID { return &f.User }),
	"status": read.Parsed(func(f *filter) *domain.Status { return &f.Status }, func(text string) (domain.Status, bool) {
		return domain.Status(text), api.Status(text).Valid()
	}, "must be free, locked or quarantined"),
	"kind": read.Parsed(func(f *filter) *domain.EventKind { return &f.Kind }, func(text string) (domain.EventKind, bool) {
		return domain.EventKind(text), api.EventKind(text).Valid()
	}, "must be a kind of event, such as acquired"),
	"target": read.Parsed(func(f *filter) *time.Duration { return &f.Target }, func(text string) (time.Duration, bool) {
		seconds, err := strconv.Atoi(text)
		return time.Duration(seconds) * time.Second, err == nil && seconds >= 1 && seconds <= int(domain.LongestTarget/time.Second)
	}, "must be a number of seconds from 1 to 3600"),
	"after": read.CursorParameter(func(f *filter) *domain.UserID { return &f.AfterUser }),
	"before": read.Parsed(func(f *filter) *ports.EventID { return &f.AfterEvent }, func(text string) (ports.EventID, bool) {
		id, err := strconv.ParseInt(text, 10, 64)
		return ports.EventID(id), err == nil && id > 0
	}, "must be the number of an event"),
	"page": read.Parsed(func(f *filter) *int { return &f.Page }, func(text string) (int, bool) {
		page, err := strconv.Atoi(text)
		return page, err == nil && page >= 1 && page <= 10_000
	}, "must be a number from 1"),
}

// readFilter reads a query that may have these fields. Fields without a text count as absent: forms send them.
func readFilter(rawQuery string, fields []string) (f filter, err error) {
	values, err := read.Query(rawQuery)
	if err != nil {
		return f, err
	}
	f.values = url.Values{}
	known := read.Parameters[filter]{}
	for _, name := range fields {
		known[name] = filterParameters[name]
	}
	for name, texts := range values {
		for _, text := range texts {
			if text = strings.TrimSpace(text); text != "" {
				f.values.Add(name, text)
			}
		}
	}
	return f, known.Read(f.values.Encode(), &f)
}

// readLabels is the parameter label, which may be repeated. A label is role:admin or role=admin.
func readLabels(f *filter, values []string) string {
	f.Labels = domain.Labels{}
	for _, label := range values {
		at := strings.IndexAny(label, ":=")
		if at < 1 {
			return "must be a key and a value, such as role:admin"
		}
		if rule := read.TextRule(label); rule != "" {
			return rule
		}
		f.Labels[label[:at]] = label[at+1:]
	}
	return ""
}

// String returns the filter as a query, which is the same for equal filters.
func (f filter) String() string { return f.values.Encode() }

// IsZero reports whether the filter leaves nothing out.
func (f filter) IsZero() bool { return len(f.values) == 0 }

// onlyPages reports whether the filter leaves nothing out, and only says which page to show.
func (f filter) onlyPages() bool {
	return len(f.values) == 0 || len(f.values) == 1 && f.values.Has("page")
}

// TargetSeconds returns the target of an advice as the form has it.
func (f filter) TargetSeconds() string { return f.values.Get("target") }

// LabelTexts returns the labels as the form has them.
func (f filter) LabelTexts() []string { return labelTexts(f.Labels, ":") }

// To returns a link to a page that keeps what the filter says about users, and sets more fields: names and texts in turn.
func (f filter) To(page string, more ...string) string {
	values := url.Values{}
	for _, name := range userFields {
		if texts := f.values[name]; len(texts) > 0 {
			values[name] = texts
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		values.Set(more[i], more[i+1])
	}
	return page + query(values.Encode())
}

// With returns a link to the same page with another field.
func (f filter) With(page string, name, text string) string {
	values := maps.Clone(f.values)
	values.Set(name, text)
	return page + query(values.Encode())
}

// link returns a link to a page with fields: names and texts in turn.
func link(page string, fields ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i+1] != "" {
			values.Set(fields[i], fields[i+1])
		}
	}
	return page + query(values.Encode())
}

// hasPool reports whether the filter lets a pool through. A field that is zero in the pool is open, and may become any.
func (f filter) hasPool(pool domain.Pool) bool {
	return (f.ProjectID.IsZero() || pool.ProjectID.IsZero() || pool.ProjectID == f.ProjectID) &&
		(f.Env == "" || pool.Env == "" || pool.Env == f.Env) &&
		(f.Domain == "" || pool.Domain == "" || pool.Domain == f.Domain)
}

// hasWaiter reports whether the filter lets a claim in line through. named are the users with the login of the filter: a claim must want
// one of them.
func (f filter) hasWaiter(w domain.Waiter, named []domain.View) bool {
	if f.Owner != "" && w.Owner != f.Owner {
		return false
	}
	return slices.ContainsFunc(w.Want, func(s domain.Selector) bool {
		if !f.hasPool(domain.Pool{ProjectID: s.ProjectID, Env: s.Env, Domain: s.Domain}) || !s.Labels.Contain(f.Labels) {
			return false
		}
		return f.Login == "" || slices.ContainsFunc(named, s.MatchesView)
	})
}

// users returns the query for users that the filter lets through.
func (f filter) users(status domain.Status, limit int) ports.Query {
	return ports.Query{
		ProjectID: f.ProjectID, Env: f.Env, Domain: f.Domain, Login: f.Login, Labels: f.Labels, Owner: f.Owner,
		Status: status, After: f.AfterUser, Limit: limit,
	}
}

// events returns the query for events that the filter lets through, newest first. Labels do not matter for it.
func (f filter) events(limit int) ports.EventQuery {
	return ports.EventQuery{
		ProjectID: f.ProjectID, Env: f.Env, Domain: f.Domain, Login: f.Login, Owner: f.Owner, UserID: f.User,
		NewestFirst: true, After: f.AfterEvent, Limit: limit,
	}
}
