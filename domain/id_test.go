package domain_test

import (
	"bytes"
	"regexp"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestUserIDsAreUUIDsThatSortByTime(t *testing.T) {
	v7 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	var last domain.UserID
	for i := range 5000 {
		id := domain.NewUserID(noon.Add(time.Duration(i) * time.Microsecond))
		if !v7.MatchString(id.String()) {
			t.Fatalf("%s is no UUID of version 7", id)
		}
		if bytes.Compare(id[:], last[:]) <= 0 {
			t.Fatalf("%s, made a microsecond after %s, sorts before it", id, last)
		}
		last = id
	}
	if one, other := domain.NewUserID(noon), domain.NewUserID(noon); one == other {
		t.Error("two ids of one moment are equal")
	}
}

func TestLeaseIDsAreRandomUUIDs(t *testing.T) {
	v4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	one, other := domain.NewLeaseID(), domain.NewLeaseID()
	if !v4.MatchString(one.Reveal()) {
		t.Errorf("%s is no UUID of version 4", one.Reveal())
	}
	if one == other || one.Digest() == other.Digest() || one.Digest().IsZero() {
		t.Error("two lease ids are not told apart")
	}
}
