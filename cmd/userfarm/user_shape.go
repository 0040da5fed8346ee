package main

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// shownUser is a user as the API has it in JSON.
type shownUser struct {
	UserID     string           `json:"user_id"`
	CreatedAt  time.Time        `json:"created_at"`
	Login      string           `json:"login"`
	ProjectID  string           `json:"project_id"`
	Env        string           `json:"env"`
	Domain     string           `json:"domain"`
	Labels     domain.Labels    `json:"labels"`
	HasTOTP    bool             `json:"has_totp"`
	Status     domain.Status    `json:"status"`
	Lock       *shownLock       `json:"lock"`
	Quarantine *shownQuarantine `json:"quarantine"`
}

type shownLock struct {
	Owner      string     `json:"owner"`
	Note       string     `json:"note"`
	AcquiredAt time.Time  `json:"acquired_at"`
	ExpiresAt  *time.Time `json:"expires_at"`
	Fence      uint64     `json:"fence"`
	Renewals   int        `json:"renewals"`
}

type shownQuarantine struct {
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
}

func shapeOfUser(view domain.View) shownUser {
	shown := shownUser{
		UserID: view.ID.String(), CreatedAt: view.CreatedAt.UTC(), Login: view.Login, ProjectID: view.Pool.ProjectID.String(),
		Env: view.Pool.Env, Domain: view.Pool.Domain, Labels: view.Labels.Clone(), HasTOTP: view.HasTOTP, Status: view.Status,
	}
	if lock := view.Lock; lock != nil {
		shown.Lock = &shownLock{
			Owner: lock.Owner, Note: lock.Note, AcquiredAt: lock.AcquiredAt.UTC(), ExpiresAt: unlessZero(lock.ExpiresAt), Fence: lock.Fence,
			Renewals: lock.Renewals,
		}
	}
	if quarantine := view.Quarantine; quarantine != nil {
		shown.Quarantine = &shownQuarantine{Reason: quarantine.Reason, Since: quarantine.Since.UTC()}
	}
	return shown
}

// userPage is a list of users as the API has it in JSON, without a cursor, because it is complete.
type userPage struct {
	Users []shownUser `json:"users"`
}

func shapeOfUsers(views []domain.View) userPage {
	page := userPage{Users: make([]shownUser, len(views))}
	for i, view := range views {
		page.Users[i] = shapeOfUser(view)
	}
	return page
}

// labelText is how people write labels on the command line.
func labelText(labels domain.Labels) string {
	parts := make([]string, 0, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, key+"="+labels[key])
	}
	return strings.Join(parts, ",")
}

// stateText says for people in which state a user is, and why.
func stateText(view domain.View) string {
	switch {
	case view.Lock != nil:
		return string(view.Status) + " by " + ownerText(view.Lock.Owner)
	case view.Quarantine != nil:
		return string(view.Status) + ": " + view.Quarantine.Reason
	default:
		return string(view.Status)
	}
}

// ownerText names the owner of a lock. An open lock has none.
func ownerText(owner string) string {
	if owner == "" {
		return "a caller without a name"
	}
	return owner
}
