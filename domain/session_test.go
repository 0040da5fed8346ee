package domain_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestASessionIsChecked(t *testing.T) {
	for name, test := range map[string]struct {
		text    string
		expires time.Duration
		bad     []string
	}{
		"the shortest":           {"x", time.Second, nil},
		"the longest":            {strings.Repeat("é", domain.MaxSession/2), 365 * 24 * time.Hour, nil},
		"nothing":                {"", 0, []string{"/session"}},
		"too long":               {strings.Repeat("x", domain.MaxSession+1), 0, []string{"/session"}},
		"not UTF-8":              {"\xff", 0, []string{"/session"}},
		"too short-lived":        {"x", time.Millisecond, []string{"/expires_in_seconds"}},
		"in the past, and empty": {"", -time.Second, []string{"/session", "/expires_in_seconds"}},
		"too long-lived":         {"x", 366 * 24 * time.Hour, []string{"/expires_in_seconds"}},
	} {
		err := domain.CheckSession(domain.NewSession{Text: domain.NewSecret(test.text), ExpiresIn: test.expires})
		var got []string
		if invalid, ok := errors.AsType[*domain.InvalidError](err); ok {
			for _, f := range invalid.Fields {
				got = append(got, f.Pointer)
			}
		}
		if !slices.Equal(got, test.bad) || (err == nil) != (test.bad == nil) {
			t.Errorf("%s: %v, want errors about %v", name, err, test.bad)
		}
	}
}

func TestASessionIsForTheHolderUntilItExpires(t *testing.T) {
	user := newUser("alice", nil)
	lease := domain.NewLeaseID()
	_, err := domain.Grant(noon, lease, domain.Terms{TTL: time.Hour}, []*domain.User{user})
	must(t, err)
	session := domain.NewSession{Text: domain.NewSecret("cookies"), ExpiresIn: time.Minute}
	saved, err := domain.SaveSession(noon, lease, []*domain.User{user}, user.ID(), session)
	must(t, err)
	again, err := domain.SaveSession(noon, lease, []*domain.User{user}, user.ID(), session)
	must(t, err)
	if !again.SavedAt.After(saved.SavedAt) {
		t.Errorf("two sessions of one moment were saved at %v and %v", saved.SavedAt, again.SavedAt)
	}
	for after, want := range map[time.Duration]error{
		0: nil, time.Minute - 1: nil, time.Minute: domain.ErrSessionNotFound, time.Hour: domain.ErrLeaseExpired,
	} {
		got, err := domain.ReadSession(noon.Add(after), lease, []*domain.User{user}, user.ID())
		if !errors.Is(err, want) || err == nil && got.SavedAt != again.SavedAt || got.Text.Reveal() != "" {
			t.Errorf("after %v: %+v, %v, want %v, and never the text", after, got, err, want)
		}
	}
	_, err = domain.ReadSession(noon, domain.NewLeaseID(), []*domain.User{user}, user.ID())
	if !errors.Is(err, domain.ErrLeaseExpired) {
		t.Errorf("another lease reads the session: %v", err)
	}
}

// A lock that expires into quarantine takes the session with it; one that just expires leaves it for the next holder.
func TestASessionSurvivesAnExpiryWithoutQuarantine(t *testing.T) {
	for _, quarantine := range []bool{false, true} {
		user := newUser("alice", nil)
		state := user.Snapshot()
		state.Lock = &domain.Lock{Lease: domain.NewLeaseID().Digest(), Size: 1, AcquiredAt: noon, ExpiresAt: noon.Add(time.Minute), QuarantineOnExpiry: quarantine}
		state.Session = &domain.Session{SavedAt: noon}
		user = domain.Restore(state)
		user.Expire(noon.Add(time.Hour))
		if kept := user.Snapshot().Session != nil; kept == quarantine {
			t.Errorf("quarantine %v: the session was kept: %v", quarantine, kept)
		}
	}
}
