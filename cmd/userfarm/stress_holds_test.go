//go:build stress

package main_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// hold is a worker's record: from when it had the answer to its acquire until it sent its release.
type hold struct {
	user     string
	fence    uint64
	from, to time.Time
}

type holdsReport struct {
	users         int
	overlaps      int
	missingFences int // fences between two recorded ones that are in no record
	highestFence  uint64
	longestHold   time.Duration
}

// checkHolds returns an error for every two holds of a user that overlap or share a fence.
func checkHolds(holds []hold) (holdsReport, error) {
	byUser := map[string][]hold{}
	for _, h := range holds {
		byUser[h.user] = append(byUser[h.user], h)
	}
	report := holdsReport{users: len(byUser)}
	var errs []error
	for user, held := range byUser {
		slices.SortFunc(held, func(a, b hold) int { return int(a.fence) - int(b.fence) })
		last := hold{}
		for _, h := range held {
			switch {
			case h.fence == last.fence:
				errs = append(errs, fmt.Errorf("user %s was held twice with fence %d", user, h.fence))
			case h.from.Before(last.to):
				errs = append(errs, fmt.Errorf("user %s: hold %d began %v before hold %d ended", user, h.fence, last.to.Sub(h.from), last.fence))
			default:
				report.missingFences += int(h.fence - last.fence - 1)
			}
			report.longestHold = max(report.longestHold, h.to.Sub(h.from))
			last = h
		}
		report.highestFence = max(report.highestFence, last.fence)
	}
	report.overlaps = len(errs)
	return report, errors.Join(errs...)
}

func TestCheckHoldsReportsOverlapsAndRepeatedFences(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	first := hold{user: "u", fence: 1, from: at(0), to: at(10)}
	for name, second := range map[string]hold{
		"an overlap":    {user: "u", fence: 2, from: at(9), to: at(20)},
		"a fence twice": {user: "u", fence: 1, from: at(11), to: at(20)},
	} {
		if _, err := checkHolds([]hold{second, first}); err == nil {
			t.Errorf("%s was not found", name)
		}
	}
	report, err := checkHolds([]hold{first, {user: "u", fence: 4, from: at(10), to: at(11)}, {user: "v", fence: 1, from: at(5), to: at(6)}})
	if err != nil || report.missingFences != 2 || report.users != 2 || report.highestFence != 4 {
		t.Errorf("report = %+v, %v", report, err)
	}
}
