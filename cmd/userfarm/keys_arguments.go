package main

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/userfarm/userfarm/domain"
)

type projectID domain.ProjectID

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *projectID) UnmarshalText(text []byte) error { return parseUUID((*[16]byte)(id), text) }

type apiKeyID domain.APIKeyID

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *apiKeyID) UnmarshalText(text []byte) error { return parseUUID((*[16]byte)(id), text) }

// parseUUID accepts the canonical form only.
func parseUUID(id *[16]byte, text []byte) error {
	parsed, err := uuid.ParseBytes(text)
	if err != nil || len(text) != len(uuid.Nil.String()) || parsed == uuid.Nil {
		return errors.New("must be a UUID")
	}
	*id = parsed
	return nil
}

// lifetime is a duration that may be given in days.
type lifetime struct{ duration time.Duration }

// UnmarshalText implements [encoding.TextUnmarshaler]. It accepts what [time.ParseDuration] does, with an optional number of days
// before it: 90d, 1d12h, 30m.
func (l *lifetime) UnmarshalText(text []byte) error {
	const day = 24 * time.Hour
	const most = int(domain.MaxKeyTTL / day)
	days, rest, found := strings.Cut(string(text), "d")
	if !found {
		days, rest = "0", string(text)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	var more time.Duration
	if rest != "" {
		var malformed error
		more, malformed = time.ParseDuration(rest)
		err = errors.Join(err, malformed)
	}
	if err != nil {
		return errors.New("must be like 90d, 1d12h or 30m")
	}
	l.duration = time.Duration(n)*day + more //nolint:gosec // 65535 days at most
	if more < 0 || l.duration < time.Second || l.duration > domain.MaxKeyTTL {
		return errors.New("must be from 1s to " + strconv.Itoa(most) + "d")
	}
	return nil
}
