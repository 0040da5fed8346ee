package domain

import (
	"time"
)

// MaxKeyTTL is the longest that an API key may live that expires at all.
const MaxKeyTTL = 10 * 365 * 24 * time.Hour

// MaxKeys is the most API keys that may be active at one time, and MaxLimitedKeys the most that may be for none but some
// projects: whoever keeps the keys of these must not make all others slow.
const (
	MaxKeys        = 10_000
	MaxLimitedKeys = 1_000
)

const maxKeyProjects = 100

// APIKeyID identifies an API key: a UUID of version 7 in its binary form. It is no secret.
type APIKeyID [16]byte

// String returns the id in the canonical form of a UUID.
func (id APIKeyID) String() string { return canonical(id) }

// IsZero reports whether the id is unset.
func (id APIKeyID) IsZero() bool { return id == APIKeyID{} }

// APIKey is the right of a program or a person to use the farm. Whoever knows its token may use it.
type APIKey struct {
	ID         APIKeyID
	Name       string // what it is for, for people to read
	Role       Role
	Scope      Scope
	Digest     TokenDigest
	CreatedAt  time.Time
	CreatedBy  APIKeyID  // the key with which it was made; zero if that needed none
	ExpiresAt  time.Time // zero if it never expires
	RevokedAt  time.Time // zero if it was not revoked
	RevokedBy  APIKeyID  // the key with which it was revoked; zero if that needed none
	LastUsedAt time.Time // to within some seconds; zero if it was never used
}

// KeySpec is what a new API key is made of.
type KeySpec struct {
	Name  string
	Role  Role
	Scope Scope
	TTL   time.Duration // 0 never expires
}

// NewAPIKey returns the API key that a token proves. It returns an [InvalidError] that names every bad field of spec. The
// key names no other one that made it; see [Caller.NewAPIKey].
func NewAPIKey(now time.Time, token Token, spec KeySpec) (APIKey, error) {
	return Everybody().NewAPIKey(now, token, spec)
}

// NewAPIKey is [NewAPIKey] for a caller, whose API key the new one names. It returns also a [ForbiddenError] if the new key
// would outlive the caller's.
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

// CheckKeySpec returns an [InvalidError] that names every bad field of spec.
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
	return v.err()
}

// Revoke ends the key for good. A key that was revoked before stays so since then.
func (k *APIKey) Revoke(now time.Time, by APIKeyID) {
	if k.RevokedAt.IsZero() {
		k.RevokedAt, k.RevokedBy = now, by
	}
}

// Outlives reports whether the key may be used when one that expires at a time, or never if that is zero, may not anymore.
func (k APIKey) Outlives(expiresAt time.Time) bool {
	return !expiresAt.IsZero() && (k.ExpiresAt.IsZero() || k.ExpiresAt.After(expiresAt))
}

// CheckRoomForKey returns [ErrTooManyKeys] if as many keys are active as may be, of all or of those that the maker of another
// one knows of.
func CheckRoomForKey(maker Caller, active []APIKey) error {
	known := 0
	for _, key := range active {
		if maker.Scope.Covers(key.Scope) {
			known++
		}
	}
	if len(active) >= MaxKeys || maker.Scope.Limited && known >= MaxLimitedKeys {
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

// Status returns the state of the key at now. Only an active one lets anybody in.
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

// KeyView is an API key as it is at some time.
type KeyView struct {
	APIKey
	Status KeyStatus
}

// View returns the key as it is at now.
func (k APIKey) View(now time.Time) KeyView { return KeyView{APIKey: k, Status: k.Status(now)} }

// Caller returns who comes with the key.
func (k APIKey) Caller() Caller {
	return Caller{Key: k.ID, Name: k.Name, Role: k.Role, Scope: k.Scope, ExpiresAt: k.ExpiresAt}
}

// Caller is who asks the farm for something.
type Caller struct {
	Key   APIKeyID // zero for who needs none
	Name  string   // of the key
	Role  Role
	Scope Scope

	ExpiresAt time.Time // of the key; zero if it never expires
}

// Everybody is the caller who needs no key: a Go program that embeds the farm, or anybody as long as the farm has no key.
func Everybody() Caller { return Caller{Role: Admin} }
