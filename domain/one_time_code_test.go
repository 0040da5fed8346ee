package domain_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }

const halfAMinute = "JBSWY3DPEHPK3PXP"

func TestACodeExpiresAtTheEndOfItsWindow(t *testing.T) {
	for _, at := range []struct{ since, remaining time.Duration }{
		{0, 30 * time.Second},
		{tick, 30*time.Second - tick},
		{29 * time.Second, time.Second},
		{30 * time.Second, 30 * time.Second},
		{45 * time.Second, 15 * time.Second},
	} {
		now := noon.Add(at.since)
		h := hold(t, parseTOTP(t, halfAMinute), noon)
		code, err := h.code(now)
		must(t, err)
		if code.Remaining != at.remaining || !code.ExpiresAt.Equal(now.Add(at.remaining)) || code.ExpiresAt.Location() != time.UTC {
			t.Errorf("%v after noon, the code runs for %v until %v, want %v", at.since, code.Remaining, code.ExpiresAt, at.remaining)
		}
		if last := h.user.Snapshot().LastCodeAt; !last.Equal(code.ExpiresAt.Add(-30 * time.Second)) {
			t.Errorf("its window began at %v, and ends at %v", last, code.ExpiresAt)
		}
	}
}

func TestTheNextCodeIsAvailableWhenTheWindowEnds(t *testing.T) {
	h := hold(t, parseTOTP(t, halfAMinute), noon)
	first, err := h.code(noon.Add(10 * time.Second))
	must(t, err)
	for since, wait := range map[time.Duration]time.Duration{
		10 * time.Second:      20 * time.Second,
		20 * time.Second:      10 * time.Second,
		30*time.Second - tick: tick,
	} {
		wantCodeUsed(t, h, noon.Add(since), wait)
	}
	second, err := h.code(noon.Add(30 * time.Second))
	must(t, err)
	if second.Code == first.Code {
		t.Error("it is the same code")
	}
	// A used code stays used, also if the clock is set back.
	wantCodeUsed(t, h, noon.Add(10*time.Second), 50*time.Second)
	wantCodeUsed(t, h, noon.Add(-time.Hour), time.Hour+time.Minute)
}

// wantCodeUsed fails the test unless the current code was used, and the next one is available after this time.
func wantCodeUsed(t *testing.T, h holder, now time.Time, wait time.Duration) {
	t.Helper()
	before := h.user.Snapshot().LastCodeAt
	_, err := h.code(now)
	used, ok := errors.AsType[*domain.NextCodeError](err)
	if !ok || !errors.Is(fmt.Errorf("store: %w", err), domain.ErrCodeUsed) || used.Wait != wait {
		t.Errorf("%v after noon: %v, want that the next one comes in %v", now.Sub(noon), err, wait)
	}
	if after := h.user.Snapshot().LastCodeAt; after != before {
		t.Errorf("a refusal changed when the last code was from %v to %v", before, after)
	}
}

func TestOnlyTheHolderOfAUserGetsItsCode(t *testing.T) {
	h := hold(t, parseTOTP(t, halfAMinute), noon)
	plain := newUser("bob", nil)
	lease := domain.NewLeaseID()
	_, err := domain.Grant(noon, lease, domain.Terms{TTL: time.Minute}, []*domain.User{plain})
	must(t, err)
	for name, test := range map[string]struct {
		now   time.Time
		lease domain.LeaseID
		users []*domain.User
		of    domain.UserID
		want  error
	}{
		"another lease":           {noon, lease, []*domain.User{h.user}, h.user.ID(), domain.ErrLeaseExpired},
		"a lease that has ended":  {noon.Add(time.Minute), lease, []*domain.User{plain}, plain.ID(), domain.ErrLeaseExpired},
		"a user of another lease": {noon, h.lease, []*domain.User{h.user}, plain.ID(), domain.ErrUserNotFound},
		"a user without":          {noon, lease, []*domain.User{plain}, plain.ID(), domain.ErrNoTOTP},
	} {
		code, err := domain.GiveCode(test.now, test.lease, test.users, test.of, 0)
		if !errors.Is(err, test.want) || code.Code.Reveal() != "" {
			t.Errorf("%s: %v, want %v and no code", name, err, test.want)
		}
	}
	_, err = h.code(noon)
	must(t, err)
}

func TestGivingACodeIsNoEvent(t *testing.T) {
	h := hold(t, parseTOTP(t, halfAMinute), noon)
	h.user = h.user.Clone()
	_, err := h.code(noon)
	must(t, err)
	wantEvents(t, h.user)
}

func TestUsedCodesStayUsed(t *testing.T) {
	h := hold(t, parseTOTP(t, halfAMinute), noon)
	_, err := h.code(noon)
	must(t, err)
	for _, text := range []string{
		halfAMinute, "AAAAAAAA", halfAMinute, "otpauth://totp/x?digits=8&secret=" + halfAMinute, "otpauth://totp/x?algorithm=SHA512&secret=" + halfAMinute,
	} {
		must(t, h.user.Change(noon, domain.Change{TOTP: new(parseTOTP(t, text))}))
		wantCodeUsed(t, h, noon.Add(20*time.Second), 10*time.Second)
	}
	password := domain.NewSecret("changed")
	must(t, h.user.Change(noon, domain.Change{Password: &password}))
	wantCodeUsed(t, h, noon.Add(20*time.Second), 10*time.Second)
}

// If the period changes, the next window may begin some time after the latest code has expired.
func TestAfterAChangeOfThePeriodTheWaitIsForAWholeWindow(t *testing.T) {
	h := hold(t, parseTOTP(t, halfAMinute), noon)
	_, err := h.code(noon)
	must(t, err)
	must(t, h.user.Change(noon, domain.Change{TOTP: new(parseTOTP(t, "otpauth://totp/x?period=60&secret="+halfAMinute))}))
	for _, since := range []time.Duration{10 * time.Second, 30 * time.Second, 45 * time.Second, time.Minute - tick} {
		wantCodeUsed(t, h, noon.Add(since), time.Minute-since)
	}
	code, err := h.code(noon.Add(time.Minute))
	must(t, err)
	if code.Remaining != time.Minute {
		t.Errorf("it runs for %v", code.Remaining)
	}
}

// The test asks for codes at random times, with changing holders, clocks and second factors. No code is returned twice, and
// a rejection tells how long to wait.
func TestNoCodeIsEverGivenTwice(t *testing.T) {
	random := seeded(11)
	for range 150 {
		secrets := 0
		factor := func(fresh bool) domain.TOTP {
			if fresh {
				secrets++
			}
			// With 8 digits, codes of different windows are almost never equal.
			return parseTOTP(t, fmt.Sprintf("otpauth://totp/x?digits=8&period=%d&secret=%s",
				[]int{1, 7, 30, 30, 60, 90}[random.IntN(6)], []string{"JBSWY3DP", "EHPK3PXP", "AAAAAAAA", "ABCDEFGH"}[secrets]))
		}
		h, now := hold(t, factor(false), noon), noon
		given := make(map[string]bool)
		for range 60 {
			now = now.Add(time.Duration(random.IntN(20_000)) * time.Millisecond)
			switch random.IntN(12) {
			case 0: // the clock is set back
				now = now.Add(-time.Duration(random.IntN(300)) * time.Second)
			case 1:
				must(t, h.user.Change(noon, domain.Change{TOTP: new(factor(secrets < 3 && random.IntN(4) == 0))}))
			case 2:
				h.nextHolder(t, now)
			case 3:
				h.user = domain.Restore(h.user.Snapshot())
			}
			least := []time.Duration{0, time.Second, 7 * time.Second, 30 * time.Second}[random.IntN(4)]
			code, err := h.codeFor(now, least)
			if next, refused := errors.AsType[*domain.NextCodeError](err); refused {
				if next.Wait <= 0 {
					t.Fatalf("the next one comes in %v", next.Wait)
				}
				if _, err := h.clone().codeFor(now.Add(next.Wait-tick), least); !errors.Is(err, next.Reason) {
					t.Fatalf("just before the wait is over: %v, want %v", err, next.Reason)
				}
				if _, err := h.clone().codeFor(now.Add(next.Wait), least); err != nil {
					t.Fatalf("when the wait is over: %v", err)
				}
				continue
			}
			if errors.Is(err, domain.ErrInvalid) {
				continue // the period is shorter
			}
			must(t, err)
			text := fmt.Sprint(secrets, " ", code.Code.Reveal())
			if given[text] {
				t.Fatal("a code was given twice")
			}
			given[text] = true
			if code.Remaining <= 0 || !now.Add(code.Remaining).Equal(code.ExpiresAt) {
				t.Fatalf("at %v, a code runs until %v, for %v", now, code.ExpiresAt, code.Remaining)
			}
		}
	}
}

// nextHolder gives the user to another lease.
func (h *holder) nextHolder(t *testing.T, now time.Time) {
	t.Helper()
	users := []*domain.User{h.user}
	must(t, domain.Release(now, h.lease, users))
	h.lease = domain.NewLeaseID()
	_, err := domain.Grant(now, h.lease, domain.Terms{TTL: 1<<63 - 1}, users)
	must(t, err)
}

func (h holder) clone() holder { return holder{h.lease, h.user.Clone()} }

func TestCheckCodeTerms(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Second, domain.MaxWait} {
		must(t, domain.CheckCodeTerms(domain.CodeTerms{Wait: wait}))
	}
	for _, least := range []time.Duration{0, time.Second, 24 * time.Hour} {
		must(t, domain.CheckCodeTerms(domain.CodeTerms{MinRemaining: least}))
	}
	for _, wait := range []time.Duration{-1, domain.MaxWait + 1} {
		wantFields(t, domain.CheckCodeTerms(domain.CodeTerms{Wait: wait}), "/wait_seconds")
	}
	for _, least := range []time.Duration{-1, 1, time.Second - 1, 24*time.Hour + 1} {
		wantFields(t, domain.CheckCodeTerms(domain.CodeTerms{MinRemaining: least}), "/min_remaining_seconds")
	}
	wantFields(t, domain.CheckCodeTerms(domain.CodeTerms{Wait: -1, MinRemaining: -1}), "/wait_seconds", "/min_remaining_seconds")
}

func TestACodeThatExpiresTooSoonIsNotGiven(t *testing.T) {
	for _, test := range []struct {
		period             int
		least, since, wait time.Duration // wait is 0 if the code is given
	}{
		{30, 0, 29 * time.Second, 0},
		{30, 0, 29*time.Second + tick, time.Second - tick},
		{30, 0, 30*time.Second - tick, tick},
		{30, 10 * time.Second, 20 * time.Second, 0},
		{30, 10 * time.Second, 20*time.Second + tick, 10*time.Second - tick},
		{30, 30 * time.Second, 0, 0},
		{30, 30 * time.Second, time.Second - tick, 0}, // no later code is valid for longer
		{30, 30 * time.Second, time.Second, 29 * time.Second},
		{2, 2 * time.Second, time.Second - tick, 0},
		{2, 2 * time.Second, time.Second, time.Second},
		{1, 0, time.Second - tick, 0},                                    // a code of a second is never valid for longer
		{86400, 24 * time.Hour, time.Second, 12*time.Hour - time.Second}, // noon is in the middle
	} {
		now := noon.Add(test.since)
		h := hold(t, parseTOTP(t, fmt.Sprintf("otpauth://totp/x?period=%d&secret=%s", test.period, halfAMinute)), noon)
		code, err := h.codeFor(now, test.least)
		if test.wait == 0 {
			must(t, err)
			continue
		}
		next, ok := errors.AsType[*domain.NextCodeError](err)
		if !ok || !errors.Is(err, domain.ErrCodeExpiring) || next.Wait != test.wait || code.Code.Reveal() != "" {
			t.Errorf("%+v: %+v, %v", test, code, err)
		}
		if last := h.user.Snapshot().LastCodeAt; !last.IsZero() {
			t.Errorf("%+v: the code counts as given", test)
		}
		_, err = h.codeFor(now.Add(test.wait), test.least)
		must(t, err)
	}
}

func TestNoCodeIsValidForLongerThanItsPeriod(t *testing.T) {
	h := hold(t, parseTOTP(t, halfAMinute), noon)
	_, err := h.codeFor(noon, 30*time.Second+1)
	wantFields(t, err, "/min_remaining_seconds")
	_, err = h.codeFor(noon, 30*time.Second)
	must(t, err)
}

func TestAfterAChangeToAShorterPeriodTheWaitIsShort(t *testing.T) {
	h := hold(t, parseTOTP(t, "otpauth://totp/x?period=86400&secret="+halfAMinute), noon)
	_, err := h.code(noon)
	must(t, err)
	must(t, h.user.Change(noon, domain.Change{TOTP: new(parseTOTP(t, "AAAAAAAA"))}))
	_, err = h.code(noon)
	must(t, err)
	wantCodeUsed(t, h, noon.Add(tick), 30*time.Second-tick)
	// The code of the long window is not returned again either.
	must(t, h.user.Change(noon, domain.Change{TOTP: new(parseTOTP(t, "otpauth://totp/x?period=86400&secret="+halfAMinute))}))
	wantCodeUsed(t, h, noon.Add(time.Minute), 12*time.Hour-time.Minute)
}
