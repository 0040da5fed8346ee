package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// eventsAtOnce is how many events a page of the history has.
const eventsAtOnce = 100

// eventRows are events of a list, newest first.
type eventRows struct {
	Rows []eventRow
	Next string // where the next page begins; empty on the last one
}

// eventRow is an event for people.
type eventRow struct {
	poolText

	At                         time.Time
	Kind                       domain.EventKind
	User, Login                string
	About                      string // the name of an API key or a project, for the events that have no user
	OfProject                  bool   // it is about a whole project, or all of them, and no pool
	Owner, Note, Reason, Extra string
	Fence                      uint64
	Key                        string
	HasKey                     bool
}

// kindTexts say for people what happened.
var kindTexts = map[domain.EventKind]string{
	domain.UserCreated: "added", domain.UserChanged: "changed", domain.UserAcquired: "acquired", domain.UserRenewed: "renewed",
	domain.UserReleased: "released", domain.UserExpired: "expired", domain.UserForced: "released by force",
	domain.UserQuarantined: "put in quarantine", domain.UserRestored: "restored", domain.UserRemoved: "removed",
	domain.ClaimGaveUp: "gave up waiting", domain.APIKeyCreated: "API key created", domain.APIKeyRevoked: "API key revoked",
	domain.ProjectNamed: "project named",
}

// eventKinds are the kinds in the order in which a form lists them.
var eventKinds = []domain.EventKind{
	domain.UserAcquired, domain.UserRenewed, domain.UserReleased, domain.UserExpired, domain.UserForced, domain.ClaimGaveUp,
	domain.UserQuarantined, domain.UserRestored, domain.UserCreated, domain.UserChanged, domain.UserRemoved,
	domain.ProjectNamed,
}

// keyKinds are further kinds, which only admins see.
var keyKinds = []domain.EventKind{domain.APIKeyCreated, domain.APIKeyRevoked}

// kindsFor returns the kinds that a form lists for a person.
func kindsFor(admin bool) []domain.EventKind {
	if !admin {
		return eventKinds
	}
	return slices.Concat(eventKinds, keyKinds)
}

// events returns the newest events that the filter lets through.
func events(ctx context.Context, in loading) (rows eventRows, err error) {
	if !in.admin && slices.Contains(keyKinds, in.filter.Kind) { // by a link: "nothing happened" would be wrong
		return rows, problem.Explain(domain.ErrForbidden, "Only admins see what happened to API keys.")
	}
	asks := in.filter.events(eventsAtOnce)
	if in.filter.Kind != "" {
		asks.Kinds = []domain.EventKind{in.filter.Kind}
	}
	page, err := in.farm.Events(ctx, asks)
	if err != nil {
		return rows, err
	}
	for _, e := range page.Events {
		rows.Rows = append(rows.Rows, in.projects.event(e))
	}
	if page.Next > 0 {
		rows.Next = fmt.Sprint(page.Next)
	}
	return rows, nil
}

func (p projects) event(e ports.RecordedEvent) eventRow {
	row := eventRow{
		poolText: p.pool(e.Pool), At: e.At, Kind: e.Kind, Login: e.Login, Owner: e.Owner, Note: e.Note, Reason: e.Reason, Fence: e.Fence,
		Key: e.KeyName, HasKey: !e.Key.IsZero(),
	}
	if !e.UserID.IsZero() {
		row.User = e.UserID.String()
	}
	if row.HasKey && row.Key == "" {
		row.Key = shortID(e.Key)
	}
	switch e.Kind {
	case domain.APIKeyCreated, domain.APIKeyRevoked:
		row.OfProject, row.About = true, cmp.Or(e.Name, shortID(e.About))
	case domain.ProjectNamed:
		row.OfProject, row.About = true, e.Name
		if e.Name == "" {
			row.Extra = "no name anymore"
		}
	default:
	}
	if names := e.Changed.Names(); len(names) > 0 {
		row.Extra = strings.Join(names, ", ")
	}
	if e.Waited >= time.Millisecond {
		row.Extra = "waited " + duration(e.Waited)
	}
	return row
}

// shortID returns the beginning of an id of a key that has no name here.
func shortID(key domain.APIKeyID) string { return key.String()[:8] + "…" }

// historyPage is what happened, and what the owner holds that the filter names.
type historyPage struct {
	Events eventRows
	Holds  userRows
}

func loadHistory(ctx context.Context, in loading) (any, error) {
	var p historyPage
	var err error
	if p.Events, err = events(ctx, in); err != nil {
		return nil, err
	}
	if in.filter.Owner != "" {
		p.Holds, err = users(ctx, in, "", shownUsers) // only what the owner holds, be it in quarantine or not
	}
	return p, err
}
