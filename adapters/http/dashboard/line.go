package dashboard

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// waitersAtOnce is how many claims a page of the line has.
	waitersAtOnce = 100

	// deepestLine is how many claims from the front of the line the page looks at.
	deepestLine = 1000

	// explainedWants is for how many different wants a page asks who has such users.
	explainedWants = 20

	// namedHolders is how many holders a want names.
	namedHolders = 3
)

// lineRows are claims in line.
type lineRows struct {
	Rows []waiterRow
	Of   int  // how many claims the filter lets through
	All  int  // how many claims are in line
	Cut  bool // there are more claims behind those that were looked at

	Next, Prev int // numbers of pages; 0 if there is none
}

// waiterRow is a claim in line.
type waiterRow struct {
	Position     int
	Owner, Note  string
	Want         []wantText
	Since, Until time.Time
}

// wantText is what a claim wants, for people.
type wantText struct {
	poolText
	Count  int // how many such users
	Labels []string
	User   string // its id
	Login  string // of the user
	Held   []userRow
	More   bool   // there are more holders
	Reason string // why the claim can't get such a user, if it is not that somebody holds them
	Free   bool   // such a user is free
	Why    string // why the claim does not have a free one
}

func loadLine(ctx context.Context, in loading) (any, error) {
	page := max(in.filter.Page, 1)
	rows, err := waiters(ctx, in, (page-1)*waitersAtOnce, waitersAtOnce)
	if err != nil {
		return nil, err
	}
	rows.Prev = page - 1
	if page*waitersAtOnce < rows.Of {
		rows.Next = page + 1
	}
	return rows, nil
}

// waiters returns the claims from some one on that the filter lets through.
func waiters(ctx context.Context, in loading, from, limit int) (rows lineRows, err error) {
	depth := deepestLine
	if in.filter.IsZero() {
		depth = min(from+limit, deepestLine)
	}
	line, total, err := in.farm.Line(ctx, depth)
	if err != nil {
		return rows, err
	}
	var named []domain.View
	if in.filter.Login != "" {
		page, err := in.farm.Users(ctx, ports.Query{ProjectID: in.filter.ProjectID, Env: in.filter.Env, Login: in.filter.Login, Limit: usersAtOnce})
		if err != nil {
			return rows, err
		}
		named = page.Users
	}
	explain := explainer{loading: in, known: make(map[string]wantText)}
	for i, w := range line {
		if !in.filter.hasWaiter(w, named) {
			continue
		}
		if rows.Of++; rows.Of <= from || len(rows.Rows) == limit {
			continue
		}
		want, err := explain.wants(ctx, w.Want)
		if err != nil {
			return rows, err
		}
		sayWhyNotFree(want, w.Want, line[:i])
		rows.Rows = append(rows.Rows, waiterRow{
			Position: i + 1, Owner: w.Owner, Note: w.Note, Want: want, Since: w.Since, Until: w.Until,
		})
	}
	rows.All = total
	if in.filter.IsZero() {
		rows.Of = min(total, deepestLine)
	}
	rows.Cut = total > deepestLine
	return rows, nil
}

// explainer says what claims wait for. Claims that want the same share the answer.
type explainer struct {
	loading

	known map[string]wantText
}

// wants returns what a claim wants, equal selectors together.
func (e explainer) wants(ctx context.Context, want []domain.Selector) (texts []wantText, err error) {
	at := make(map[string]int, len(want))
	for _, s := range want {
		text := e.text(s)
		key := fmt.Sprint(text)
		if i, again := at[key]; again {
			texts[i].Count++
			continue
		}
		known, found := e.known[key]
		if !found {
			known = text
			if len(e.known) < explainedWants {
				if err := e.explain(ctx, s, &known); err != nil {
					return nil, err
				}
			}
			e.known[key] = known
		}
		known.Count = 1
		at[key] = len(texts)
		texts = append(texts, known)
	}
	return texts, nil
}

func (e explainer) text(s domain.Selector) wantText {
	pool, _ := s.Pool()
	text := wantText{poolText: e.projects.pool(pool), Labels: labelTexts(s.Labels, "=")}
	if !s.UserID.IsZero() {
		text.User = s.UserID.String()
	}
	return text
}

// explain adds who has the users that a selector wants.
func (e explainer) explain(ctx context.Context, s domain.Selector, text *wantText) error {
	if !s.UserID.IsZero() {
		user, err := e.farm.User(ctx, s.UserID)
		switch {
		case isGone(err):
			text.Reason = "the user is gone"
			return nil
		case err != nil:
			return err
		}
		text.Login = user.Login
		e.tell(text, []domain.View{user})
		return nil
	}
	asks := ports.Query{ProjectID: s.ProjectID, Env: s.Env, Domain: s.Domain, Labels: s.Labels, Status: domain.Free, Limit: 1}
	page, err := e.farm.Users(ctx, asks)
	if err != nil {
		return err
	}
	text.Free = len(page.Users) > 0
	asks.Limit = 2 * namedHolders
	for _, asks.Status = range []domain.Status{domain.Locked, domain.Quarantined} {
		if page, err = e.farm.Users(ctx, asks); err != nil {
			return err
		}
		if len(page.Users) > 0 {
			break
		}
	}
	e.tell(text, page.Users)
	return nil
}

// tell adds users to a text: those whose locks end first.
func (e explainer) tell(text *wantText, users []domain.View) {
	slices.SortStableFunc(users, func(a, b domain.View) int { return domain.CompareExpiries(endOf(a), endOf(b)) })
	for _, user := range users {
		if user.Lock == nil {
			continue
		}
		if len(text.Held) == namedHolders {
			text.More = true
			break
		}
		text.Held = append(text.Held, e.projects.user(user))
	}
	switch {
	case len(text.Held) > 0 || text.Free:
	case len(users) == 0:
		text.Reason = "there is no such user"
	case users[0].Quarantine != nil:
		text.Reason = strings.TrimSpace(users[0].Login + " is in quarantine: " + users[0].Quarantine.Reason)
	default:
		text.Free = true
	}
}

// sayWhyNotFree says why a claim waits although users are free that it wants, as far as the line tells. before are the claims before it.
func sayWhyNotFree(texts []wantText, want []domain.Selector, before []domain.Waiter) {
	if !slices.ContainsFunc(texts, func(t wantText) bool { return t.Free }) {
		return
	}
	ahead := 0
	for _, w := range before {
		if slices.ContainsFunc(w.Want, func(other domain.Selector) bool { return wantsOneOf(want, other) }) {
			ahead++
		}
	}
	why := "it is about to be served"
	switch {
	case ahead > 0 && len(want) > 1:
		why = plural(ahead, "claim before it wants such users, too", "claims before it want such users, too") + "; and it needs all of its users at once"
	case ahead > 0:
		why = plural(ahead, "claim before it wants such users, too", "claims before it want such users, too")
	case len(want) > 1:
		why = "it needs all of its users at once"
	}
	for i := range texts {
		if texts[i].Free {
			texts[i].Why = why
		}
	}
}

// wantsOneOf reports whether a user could be for one of the selectors and for another claim, as far as the selectors tell.
func wantsOneOf(want []domain.Selector, other domain.Selector) bool {
	return slices.ContainsFunc(want, func(s domain.Selector) bool {
		if s.UserID.IsZero() && other.UserID.IsZero() {
			return s.Overlaps(other)
		}
		return s.UserID == other.UserID
	})
}

// endOf returns when the lock of a user ends; zero if it never does, or if there is none.
func endOf(user domain.View) time.Time {
	if user.Lock == nil {
		return time.Time{}
	}
	return user.Lock.ExpiresAt
}
