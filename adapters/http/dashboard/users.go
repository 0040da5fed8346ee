package dashboard

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/domain"
)

// usersAtOnce is how many users a page of them has.
const usersAtOnce = 100

// userRows are users of a list.
type userRows struct {
	Rows []userRow
	Next string // the cursor of the next page; empty on the last one
}

// userRow is a user for people.
type userRow struct {
	poolText

	ID          string
	Login       string
	Labels      []string
	Status      domain.Status
	HasTOTP     bool
	CreatedAt   time.Time
	Lock        *domain.LockView
	Quarantine  *domain.Quarantine
	Quarantined bool
}

// user returns a user for people.
func (p projects) user(view domain.View) userRow {
	return userRow{
		poolText: p.pool(view.Pool), ID: view.ID.String(), Login: view.Login, Labels: labelTexts(view.Labels, "="), Status: view.Status,
		HasTOTP: view.HasTOTP, CreatedAt: view.CreatedAt, Lock: view.Lock, Quarantine: view.Quarantine, Quarantined: view.Quarantine != nil,
	}
}

// labelTexts returns the labels in the order of their keys.
func labelTexts(labels domain.Labels, separator string) []string {
	texts := make([]string, 0, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		texts = append(texts, key+separator+labels[key])
	}
	return texts
}

// Fence returns the fence of the lock as text; empty without a lock.
func (r userRow) Fence() string {
	if r.Lock == nil {
		return ""
	}
	return fmt.Sprint(r.Lock.Fence)
}

// users returns the first users with a status that the filter lets through.
func users(ctx context.Context, in loading, status domain.Status, limit int) (rows userRows, err error) {
	page, err := in.farm.Users(ctx, in.filter.users(status, limit))
	if err != nil {
		return rows, err
	}
	for _, view := range page.Users {
		rows.Rows = append(rows.Rows, in.projects.user(view))
	}
	if next := read.FormatCursor(page.Next); next != nil {
		rows.Next = *next
	}
	return rows, nil
}

func loadUsers(ctx context.Context, in loading) (any, error) {
	return users(ctx, in, in.filter.Status, usersAtOnce)
}

// isGone reports whether an error says that there is no such user.
func isGone(err error) bool { return errors.Is(err, domain.ErrUserNotFound) }
