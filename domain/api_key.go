package domain

import (
	"time"
)

// MaxKeyTTL is the longest time to live of an API key that expires.
const MaxKeyTTL = 10 * 365 * 24 * time.Hour

// MaxKeys is the most API keys that may be active at one time. MaxLimitedKeys is the most active keys that an admin of some
// projects may see, so that the admins of one project can't use up the keys of all.
const (
	MaxKeys        = 10_000
	MaxLimitedKeys = 1_000
)

const maxKeyProjects = 100

// APIKeyID identifies an API key: a UUID of version 7 in its binary form. It is not a secret.
type APIKeyID [16]byte

// String returns the id in the canonical form of a UUID.
func (id APIKeyID) String() string { return canonical(id) }

// IsZero reports whether the id is unset.
func (id APIKeyID) IsZero() bool { return id == APIKeyID{} }

// APIKey is the permission of a program or a person to use the farm. A caller that knows its token may use it.
type APIKey struct {
	ID         APIKeyID
	Name       string // for people: what the key is for
	Role       Role
	Scope      Scope
	Digest     TokenDigest
	CreatedAt  time.Time
	CreatedBy  APIKeyID  // the key of the caller that created it; zero if the caller had none
	ExpiresAt  time.Time // zero if it never expires
	RevokedAt  time.Time // zero if it was not revoked
	RevokedBy  APIKeyID  // the key of the caller that revoked it; zero if the caller had none
	LastUsedAt time.Time // accurate to some seconds; zero if it was never used
}

// KeySpec describes a new API key.
type KeySpec struct {
	Name  string
	Role  Role
	Scope Scope
	TTL   time.Duration // 0: the key never expires

	Reason string // what the key was created for, for the history; may be empty
}

// NewAPIKey returns a new API key with this token, created by [Everybody]. See [Caller.NewAPIKey].
func NewAPIKey(now time.Time, token Token, spec KeySpec) (APIKey, error) {
	return Everybody().NewAPIKey(now, token, spec)
}

// NewAPIKey returns a new API key with this token, which records the caller's key as its creator. It returns the error of
// [CheckKeySpec], or a [ForbiddenError] if the new key would outlive the caller's key.
func (c Caller) NewAPIKey(now time.Time, token Token, spec KeySpec) (APIKey, error) {
	if err := CheckKeySpec(spec); err != nil {
		return APIKey{}, err
	}
	key := APIKey{
		ID:        timeOrdered(now),
		Name:      spec.Name,
		Role:      spec.Role,
		Scope:     spec.Scope,
		Digest:    token.Digest(),
		CreatedAt: now,
		CreatedBy: c.Key,
	}
	if spec.TTL > 0 {
		key.ExpiresAt = now.Add(spec.TTL)
	}
	if key.Outlives(c.ExpiresAt) {
		return APIKey{}, &ForbiddenError{Fields: []FieldError{
			{Pointer: "/expires_in_seconds", Detail: "must not let the key outlive the API key that makes it"},
		}}
	}
	return key, nil
}

// CheckKeySpec returns an [InvalidError] with all bad fields of spec.
func CheckKeySpec(spec KeySpec) error {
	var v violations
	v.name("/name", spec.Name, maxName)
	if !spec.Role.Valid() {
		v.add("/role", "must be viewer, tester or admin")
	}
	if n := len(spec.Scope.Projects); spec.Scope.Limited && (n == 0 || n > maxKeyProjects) {
		v.add("/projects", "must have from 1 to %d projects", maxKeyProjects)
	}
	if spec.TTL < 0 || spec.TTL > MaxKeyTTL {
		v.add("/expires_in_seconds", "must be from 1 to %d", int64(MaxKeyTTL/time.Second))
	}
	v.text("/reason", spec.Reason, maxReason)
	return v.err()
}

// Created returns the events that record the creation of the key. See [Event.About].
func (k APIKey) Created(reason string) []Event {
	return k.record(Event{At: k.CreatedAt, Kind: APIKeyCreated, Key: k.CreatedBy, Reason: reason})
}

// Revoke ends the key forever, and returns the events that record it. The reason may be empty. It does nothing to a key that was
// revoked before. It returns an [InvalidError] about /reason.
func (k *APIKey) Revoke(now time.Time, by APIKeyID, reason string) ([]Event, error) {
	if err := CheckReason(reason); err != nil {
		return nil, err
	}
	if !k.RevokedAt.IsZero() {
		return nil, nil
	}
	k.RevokedAt, k.RevokedBy = now, by
	return k.record(Event{At: now, Kind: APIKeyRevoked, Key: by, Reason: reason}), nil
}

// record returns e as events about the key.
func (k APIKey) record(e Event) []Event {
	e.About, e.Name = k.ID, k.Name
	if !k.Scope.Limited {
		return []Event{e}
	}
	events := make([]Event, len(k.Scope.Projects))
	for i, project := range k.Scope.Projects {
		e.Pool.ProjectID = project
		events[i] = e
	}
	return events
}

// Outlives reports whether the key is valid for longer than a key that expires at expiresAt. A zero time never expires.
func (k APIKey) Outlives(expiresAt time.Time) bool {
	return !expiresAt.IsZero() && (k.ExpiresAt.IsZero() || k.ExpiresAt.After(expiresAt))
}

// CheckRoomForKey returns [ErrTooManyKeys] if creator may not create another key: [MaxKeys] keys are active, or the scope of
// creator is limited and covers [MaxLimitedKeys] of them.
func CheckRoomForKey(creator Caller, active []APIKey) error {
	known := 0
	for _, key := range active {
		if creator.Scope.Covers(key.Scope) {
			known++
		}
	}
	if len(active) >= MaxKeys || creator.Scope.Limited && known >= MaxLimitedKeys {
		return ErrTooManyKeys
	}
	return nil
}

// KeyStatus is the state of an API key.
type KeyStatus string

// The states of an API key.
const (
	KeyActive  KeyStatus = "active"
	KeyExpired KeyStatus = "expired"
	KeyRevoked KeyStatus = "revoked"
)

// Status returns the state of the key at now. Only an active key authenticates callers.
func (k APIKey) Status(now time.Time) KeyStatus {
	switch {
	case !k.RevokedAt.IsZero():
		return KeyRevoked
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return KeyExpired
	default:
		return KeyActive
	}
}

// KeyView is an API key and its state at some time.
type KeyView struct {
	APIKey
	Status KeyStatus
}

// View returns the key and its state at now.
func (k APIKey) View(now time.Time) KeyView { return KeyView{APIKey: k, Status: k.Status(now)} }

// Caller returns the caller that the key authenticates.
func (k APIKey) Caller() Caller {
	return Caller{Key: k.ID, Name: k.Name, Role: k.Role, Scope: k.Scope, ExpiresAt: k.ExpiresAt}
}

// Caller is the person or program that uses the farm.
type Caller struct {
	Key   APIKeyID // zero if the caller has none and needs none
	Name  string   // of the key
	Role  Role
	Scope Scope

	ExpiresAt time.Time // of the key; zero if it never expires
}

// SeesKeys reports whether the caller may see the API keys that its scope covers.
func (c Caller) SeesKeys() bool { return c.Role.Includes(Admin) }

// Everybody returns the caller that needs no key: a Go program that embeds the farm, or any caller of a farm that never had
// a key. It is an admin of all projects.
func Everybody() Caller { return Caller{Role: Admin} }
