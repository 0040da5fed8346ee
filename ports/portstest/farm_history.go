package portstest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var farmHistoryTests = []farmTest{
	{"tells what happened to users", historyTells},
	{"tells what users were created, changed and removed for", reasonsAreTold},
	{"tells which API keys and names of projects were changed, and what for", historyTellsOfOthers},
	{"lists events by every filter", eventsAreFiltered},
	{"lists events page by page, in both orders", eventsArePaged},
}

// events returns the events that q matches.
func (g *guest) events(q ports.EventQuery) []ports.RecordedEvent {
	g.Helper()
	page, err := g.Farm.Events(g.Context(), q)
	g.must(err)
	return page.Events
}

func kindsOf(events []ports.RecordedEvent) []domain.EventKind {
	var kinds []domain.EventKind
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func historyTells(g *guest) {
	user := g.create()
	wanted := domain.Selector{Env: user.Pool.Env}
	lease := g.acquire(wanted)
	g.Advance(time.Second)
	_, err := g.Farm.ChangeUser(g.Context(), user.ID, domain.Change{Labels: &domain.Labels{"role": "admin"}})
	g.must(err)
	_, err = g.Farm.ForceRelease(g.Context(), user.ID, 0, "the runner is gone")
	g.must(err)
	events := g.events(ports.EventQuery{})
	want := []domain.EventKind{domain.UserCreated, domain.UserAcquired, domain.UserChanged, domain.UserForced}
	if !slices.Equal(kindsOf(events), want) {
		g.Fatalf("the history tells %v, want %v", kindsOf(events), want)
	}
	about := domain.Event{UserID: user.ID, Login: user.Login, Pool: user.Pool}
	for i, change := range []func(*domain.Event){
		func(*domain.Event) {},
		func(e *domain.Event) {
			e.Owner, e.Note, e.Fence, e.Want = lease.Owner, lease.Note, 1, []domain.Selector{wanted}
		},
		func(e *domain.Event) { e.Changed, e.Want = domain.ChangedFields{Labels: true}, nil },
		func(e *domain.Event) {
			e.Changed, e.Reason = domain.ChangedFields{}, "the runner is gone"
			if held := events[3].At.Sub(events[1].At); held.Round(time.Millisecond) == events[3].Held.Round(time.Millisecond) {
				e.Held = events[3].Held // the wire has milliseconds
			}
		},
	} {
		change(&about)
		about.Kind, about.At = events[i].Kind, events[i].At
		g.wantEqual("an event", events[i], ports.RecordedEvent{ID: events[i].ID, Event: about})
		if i > 0 && (events[i].ID <= events[i-1].ID || events[i].At.Before(events[i-1].At)) {
			g.Errorf("event %d is not after the one before it", i)
		}
	}
}

// wantReasons fails the test unless the events have these kinds and reasons, such as "removed: for good".
func (g *guest) wantReasons(q ports.EventQuery, want ...string) {
	g.Helper()
	var got []string
	for _, e := range g.events(q) {
		got = append(got, fmt.Sprintf("%s: %s", e.Kind, e.Reason))
	}
	g.wantEqual("the kinds and reasons", got, want)
}

func reasonsAreTold(g *guest) {
	for _, reason := range []string{"", "for the checkout", `a&b=c;d e+f%20"ü"/?#\`, strings.Repeat("\U0001f642", 1024)} {
		user := g.create(func(s *domain.Spec) { s.Reason = reason })
		for range 2 { // the second one changes nothing
			_, err := g.Farm.ChangeUser(g.Context(), user.ID, domain.Change{Labels: &domain.Labels{"role": "admin"}, Reason: reason})
			g.must(err)
		}
		g.must(g.Farm.RemoveUser(g.Context(), user.ID, reason))
		g.wantReasons(ports.EventQuery{UserID: user.ID}, "created: "+reason, "changed: "+reason, "removed: "+reason)
	}
}

func historyTellsOfOthers(g *guest) {
	spec := domain.KeySpec{Name: "ci", Role: domain.Tester, Scope: domain.Only(projectA, projectB), Reason: "nightly tests"}
	key, _, err := g.Farm.CreateKey(g.Context(), spec)
	g.must(err)
	g.Advance(time.Second)
	for range 2 { // the second time, there is nothing to do
		revoked, err := g.Farm.RevokeKey(g.Context(), key.ID, "it leaked")
		g.must(err)
		key.RevokedAt = revoked.RevokedAt
	}
	shop := domain.Project{ID: projectA, Name: "Shop"}
	for range 2 {
		g.must(g.Farm.NameProject(g.Context(), shop, "a new shop"))
	}
	g.must(g.Farm.NameProject(g.Context(), domain.Project{ID: projectA}, ""))

	in := func(project domain.ProjectID) domain.Pool { return domain.Pool{ProjectID: project} }
	want := []domain.Event{
		{At: key.CreatedAt, Kind: domain.APIKeyCreated, Pool: in(projectA), Reason: "nightly tests", About: key.ID, Name: "ci"},
		{At: key.CreatedAt, Kind: domain.APIKeyCreated, Pool: in(projectB), Reason: "nightly tests", About: key.ID, Name: "ci"},
		{At: key.RevokedAt, Kind: domain.APIKeyRevoked, Pool: in(projectA), Reason: "it leaked", About: key.ID, Name: "ci"},
		{At: key.RevokedAt, Kind: domain.APIKeyRevoked, Pool: in(projectB), Reason: "it leaked", About: key.ID, Name: "ci"},
		{Kind: domain.ProjectNamed, Pool: in(projectA), Reason: "a new shop", Name: "Shop"},
		{Kind: domain.ProjectNamed, Pool: in(projectA)},
	}
	events := g.events(ports.EventQuery{})
	if len(events) != len(want) {
		g.Fatalf("the history tells %v", kindsOf(events))
	}
	for i, e := range events {
		if want[i].At.IsZero() {
			want[i].At = e.At
		}
		g.wantEqual("an event", e, ports.RecordedEvent{ID: e.ID, Event: want[i]})
	}
	g.wantEqual("the events about revoked keys", g.events(ports.EventQuery{Kinds: []domain.EventKind{domain.APIKeyRevoked}}), events[2:4])
}

func eventsAreFiltered(g *guest) {
	plain := g.create()
	far := g.create(in(domain.Pool{ProjectID: projectB, Env: "prod", Domain: "blog"}))
	g.Advance(time.Millisecond)
	lease := g.acquire(g.named(plain))
	tests := map[string]struct {
		query ports.EventQuery
		want  []domain.EventKind
	}{
		"user":    {ports.EventQuery{UserID: far.ID}, []domain.EventKind{domain.UserCreated}},
		"kinds":   {ports.EventQuery{Kinds: []domain.EventKind{domain.UserAcquired, domain.UserRemoved}}, []domain.EventKind{domain.UserAcquired}},
		"login":   {ports.EventQuery{Login: "USER-1@example.com"}, []domain.EventKind{domain.UserCreated, domain.UserAcquired}},
		"project": {ports.EventQuery{ProjectID: projectB}, []domain.EventKind{domain.UserCreated}},
		"env":     {ports.EventQuery{Env: "prod"}, []domain.EventKind{domain.UserCreated}},
		"domain":  {ports.EventQuery{Domain: "shop"}, []domain.EventKind{domain.UserCreated, domain.UserAcquired}},
		"owner":   {ports.EventQuery{Owner: lease.Owner}, []domain.EventKind{domain.UserAcquired}},
		"since":   {ports.EventQuery{Since: lease.AcquiredAt}, []domain.EventKind{domain.UserAcquired}},
		"nothing": {ports.EventQuery{Env: "prod", Domain: "shop"}, nil},
	}
	for name, test := range tests {
		if got := kindsOf(g.events(test.query)); !slices.Equal(got, test.want) {
			g.Errorf("filtered by %s: got %v, want %v", name, got, test.want)
		}
	}
}

func eventsArePaged(g *guest) {
	for range 3 {
		g.create()
	}
	all := g.events(ports.EventQuery{})
	for _, newestFirst := range []bool{false, true} {
		q := ports.EventQuery{Limit: 2, NewestFirst: newestFirst}
		first, err := g.Farm.Events(g.Context(), q)
		g.must(err)
		g.wantEqual("the first page", first.Events, all[:2])
		if first.Next == 0 {
			g.Fatal("there is no second page")
		}
		q.After = first.Next
		second, err := g.Farm.Events(g.Context(), q)
		g.must(err)
		g.wantEqual("the second page", second.Events, all[2:])
		if second.Next != 0 {
			g.Error("there is a page after the last one")
		}
		slices.Reverse(all)
	}
}
