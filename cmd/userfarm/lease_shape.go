package main

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

// shownLease is a lease as the API has it in JSON. It has the secrets that its holder has asked for.
type shownLease struct {
	LeaseID    string       `json:"lease_id"`
	Owner      string       `json:"owner"`
	Note       string       `json:"note"`
	AcquiredAt time.Time    `json:"acquired_at"`
	ExpiresAt  time.Time    `json:"expires_at"`
	Users      []leasedUser `json:"users"`
}

type leasedUser struct {
	UserID    string        `json:"user_id"`
	Login     string        `json:"login"`
	Password  string        `json:"password"`
	ProjectID string        `json:"project_id"`
	Env       string        `json:"env"`
	Domain    string        `json:"domain"`
	Labels    domain.Labels `json:"labels"`
	HasTOTP   bool          `json:"has_totp"`
	Fence     uint64        `json:"fence"`

	SessionSavedAt *time.Time `json:"session_saved_at"`
}

func shapeOfLease(lease domain.Lease) shownLease {
	shown := shownLease{
		LeaseID: lease.ID.Reveal(), Owner: lease.Owner, Note: lease.Note, AcquiredAt: lease.AcquiredAt.UTC(),
		ExpiresAt: lease.ExpiresAt.UTC(), Users: make([]leasedUser, len(lease.Users)),
	}
	for i, user := range lease.Users {
		shown.Users[i] = leasedUser{
			UserID: user.ID.String(), Login: user.Login, Password: user.Password.Reveal(), ProjectID: user.Pool.ProjectID.String(),
			Env: user.Pool.Env, Domain: user.Pool.Domain, Labels: user.Labels.Clone(), HasTOTP: user.HasTOTP, Fence: user.Fence,
			SessionSavedAt: unlessZero(user.SessionSavedAt),
		}
	}
	return shown
}
