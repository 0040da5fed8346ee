package dashboard

import "context"

// userPage is a user and what happened to it.
type userPage struct {
	User    userRow
	History eventRows
}

func loadUser(ctx context.Context, in loading) (any, error) {
	view, err := in.farm.User(ctx, in.filter.User)
	if err != nil {
		return nil, err
	}
	p := userPage{User: in.projects.user(view)}
	p.History, err = events(ctx, in)
	return p, err
}
