package memory

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// List implements [ports.Users].
func (s *Store) List(ctx context.Context, q ports.Query) (ports.Page, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return ports.Page{}, err
	}
	defer s.mu.Unlock()
	fields := domain.Selector{ProjectID: q.ProjectID, Env: q.Env, Domain: q.Domain, Labels: q.Labels}.In(q.Scope)
	key := s.rule.Key(q.Login)
	page := ports.Page{Now: now}
	for u := range s.users.list(fields, q.After, q.NewestFirst) {
		fits := (q.Owner == "" || q.Owner == ownerOf(u.View(now))) &&
			(q.Status == "" || q.Status == u.Status(now)) &&
			(q.Login == "" || s.accountOf(u).loginKey == key)
		if !fits {
			continue
		}
		if len(page.Users) == q.Limit {
			page.More = true
			break
		}
		page.Users = append(page.Users, u.Clone())
	}
	return page, nil
}

// ownerOf returns the owner of the lock that holds a user; an empty text if there is none.
func ownerOf(view domain.View) string {
	if view.Lock == nil {
		return ""
	}
	return view.Lock.Owner
}

// list yields the users that a selector matches and that come after one in the order of their ids or, newest first, in the
// reverse order.
func (x *index) list(want domain.Selector, after domain.UserID, newestFirst bool) iter.Seq[*domain.User] {
	groups, few := x.matchingFew(want)
	if !few {
		return x.scan(want, after, newestFirst)
	}
	users := x.usersOf(want, groups)
	slices.SortFunc(users, func(a, b *domain.User) int { return compareIDs(a.ID(), b.ID()) })
	if newestFirst {
		slices.Reverse(users)
	}
	return slices.Values(slices.DeleteFunc(users, func(u *domain.User) bool { return !comesAfter(u.ID(), after, newestFirst) }))
}

// comesAfter reports whether an id comes after another one in a list. Every id comes after the zero id.
func comesAfter(id, after domain.UserID, newestFirst bool) bool {
	c := compareIDs(id, after)
	return c > 0 && !newestFirst || newestFirst && (c < 0 || after.IsZero())
}

// scan is list for a selector that matches many of the users.
func (x *index) scan(want domain.Selector, after domain.UserID, newestFirst bool) iter.Seq[*domain.User] {
	return func(yield func(*domain.User) bool) {
		x.after(after, newestFirst)(func(u *domain.User) bool { return !want.Matches(u) || yield(u) })
	}
}

// matchesOneIn is the share of the users above which a scan of all costs less than to go by groups.
const matchesOneIn = 16

// matchingFew returns the groups whose users a selector matches, unless these are so many that a scan soon has a page of them.
func (x *index) matchingFew(want domain.Selector) (groups []*group, few bool) {
	mayLook, mayMatch := x.members.Len()/matchesOneIn, x.members.Len()/matchesOneIn
	for p := range x.poolsOf(want) {
		if !want.InPool(p.key) {
			continue
		}
		candidates := p.candidates(want.Labels)
		if mayLook -= len(candidates); mayLook < 0 {
			return nil, false
		}
		for g := range candidates {
			if !want.Matches(g.example) {
				continue
			}
			if mayMatch -= g.size; mayMatch < 0 {
				return nil, false
			}
			groups = append(groups, g)
		}
	}
	return groups, true
}

func compareIDs(a, b domain.UserID) int { return bytes.Compare(a[:], b[:]) }
