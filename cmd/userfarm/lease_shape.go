package main

import (
	"slices"
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

// shownRenewal is what the caller of a renewal has not yet: it has no secrets.
type shownRenewal struct {
	ExpiresAt time.Time   `json:"expires_at"`
	Users     []shownName `json:"users"`
}

// shownRelease is what becomes of the users of a lease. Each one is in one of the lists.
type shownRelease struct {
	Released    []shownName `json:"released"`
	Quarantined []shownName `json:"quarantined"`
}

// shownName names a user for programs and for people.
type shownName struct {
	UserID string `json:"user_id"`
	Login  string `json:"login"`
}

func namesOf(users []domain.LeasedUser) []shownName {
	names := make([]shownName, len(users))
	for i, user := range users {
		names[i] = shownName{UserID: user.ID.String(), Login: user.Login}
	}
	return names
}

func shapeOfRelease(lease domain.Lease, faults []domain.Fault) shownRelease {
	faulty := func(user domain.LeasedUser) bool {
		return slices.ContainsFunc(faults, func(f domain.Fault) bool { return f.UserID == user.ID })
	}
	return shownRelease{
		Released:    namesOf(slices.DeleteFunc(slices.Clone(lease.Users), faulty)),
		Quarantined: namesOf(slices.DeleteFunc(slices.Clone(lease.Users), func(u domain.LeasedUser) bool { return !faulty(u) })),
	}
}
