package main

import (
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestTheNoticeFitsTheTerminal(t *testing.T) {
	until := time.Date(2026, 11, 27, 14, 58, 57, 0, time.Local)
	holder := func(login, owner string) domain.Holder {
		return domain.Holder{Login: login, Owner: owner, ExpiresAt: until}
	}
	short := holder("ann", "ci-1")
	long := holder("checkout-load-test-user-0042@customers.example.com", "jenkins-agent-with-a-long-name-4711/worker-3")
	for name, test := range map[string]struct {
		width int
		held  []domain.Holder
		want  string
	}{
		"all of it": {122, []domain.Holder{short, short}, "userfarm: waiting since 14:53:57, place 12 in line: " +
			"ann is held by ci-1 until 14:58:57, ann is held by ci-1 until 14:58:57"},
		"fewer holders": {121, []domain.Holder{short, short}, "userfarm: waiting since 14:53:57, place 12 in line: " +
			"ann is held by ci-1 until 14:58:57, and 1 more"},
		"fewer words":  {79, []domain.Holder{short, short}, "waiting since 14:53:57, place 12: ann is held by ci-1 until 14:58:57"},
		"short names":  {79, []domain.Holder{long, short}, "waiting since 14:53:57, place 12: chec….com is held by jenk…er-3 until 14:58:57"},
		"wide names":   {70, []domain.Holder{holder("張偉張偉張偉", "ci-1")}, "waiting since 14:53:57, place 12: 張…偉 is held by ci-1 until 14:58:57"},
		"a narrow one": {59, []domain.Holder{long}, "place 12: check…e.com is held by jenki…ker-3 until 14:58:57"},
		"no room":      {30, []domain.Holder{long}, "place 12: … is held by … unti…"},
		"no holder":    {79, nil, "userfarm: waiting since 14:53:57, place 12 in line"},
	} {
		t.Run(name, func(t *testing.T) {
			n := &notice{since: until.Add(-5 * time.Minute), place: 12, occupancy: domain.Occupancy{HeldBy: test.held}}
			got := n.fit(test.width)
			if got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			if columns(got) > test.width {
				t.Errorf("%q has %d columns", got, columns(got))
			}
		})
	}
}

func TestAPersonAtATerminalSeesUntilWhenAUserIsHeld(t *testing.T) {
	at, names := time.Now(), []string{"", "a", "ann@example.com", strings.Repeat("long", 60)}
	for _, login := range names[1:] {
		for _, owner := range names {
			n := &notice{since: at, place: 1000, occupancy: domain.Occupancy{
				HeldBy: []domain.Holder{{Login: login, Owner: owner, ExpiresAt: at}},
			}}
			got := n.fit(79)
			if columns(got) > 79 || !strings.Contains(got, ", place 1000") || !strings.HasSuffix(got, " until "+at.Format(time.TimeOnly)) {
				t.Errorf("%q has %d columns", got, columns(got))
			}
		}
	}
}
