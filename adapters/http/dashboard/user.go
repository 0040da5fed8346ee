package dashboard

import (
	"context"

	"github.com/userfarm/userfarm/domain"
)

// userPage is a user and what happened to it.
type userPage struct {
	User     userRow
	Renewals int // of the lock that holds the user
	AtLeast  bool
	History  eventRows
}

func loadUser(ctx context.Context, in loading) (any, error) {
	view, err := in.farm.User(ctx, in.filter.User)
	if err != nil {
		return nil, err
	}
	p := userPage{User: in.projects.user(view)}
	if p.History, err = events(ctx, in); err != nil {
		return nil, err
	}
	if view.Lock == nil || in.filter.AfterEvent > 0 {
		return p, nil
	}
	p.AtLeast = true
	for _, e := range p.History.Rows {
		if e.Fence == view.Lock.Fence && e.Kind == domain.UserRenewed {
			p.Renewals++
		}
		if e.Fence == view.Lock.Fence && e.Kind == domain.UserAcquired {
			p.AtLeast = false
		}
	}
	return p, nil
}
