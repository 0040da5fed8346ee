package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// adviseCommand tells how many users would have been enough.
type adviseCommand struct {
	farmFlags `embed:""`
	jsonFlag  `embed:""`

	Project projectName   `help:"Only pools of this project: its name or its id." placeholder:"PROJECT"`
	Env     string        `help:"Only pools of this environment, such as stage."`
	Domain  string        `help:"Only pools of this domain."`
	Since   time.Duration `help:"How much of the history counts, up to now." default:"24h"`
	Target  time.Duration `help:"The wait under which 95 of 100 acquires are to stay." default:"10s"`
}

// Help has the examples.
func (*adviseCommand) Help() string {
	return `The farm replays what tests asked for, with more users and with fewer, as its history has it. For what is wanted of each pool, it says
how long tests would have waited. The line with * is for the users that there are now; those in quarantine do not count.

A worker that waits less asks again sooner. The farm knows that if each worker has an owner of its own; others ask when they did.

Examples:

  userfarm advise --env stage
  userfarm advise --since 8h --target 30s`
}

// Validate returns an error for times that can't be meant. The command line calls it.
func (a *adviseCommand) Validate() error {
	if a.Since <= 0 {
		return errors.New("--since must be more than 0")
	}
	if a.Target < time.Second || a.Target > domain.LongestTarget {
		return errors.New("--target must be from 1s to 1h")
	}
	return nil
}

// Run writes the advice.
func (a *adviseCommand) Run(ctx context.Context) error {
	project, err := a.Project.find(ctx, a.farm)
	if err != nil {
		return a.advise(err)
	}
	advice, err := a.farm.Advice(ctx, ports.AdviceQuery{
		ProjectID: project, Env: a.Env, Domain: a.Domain, Since: time.Now().Add(-a.Since), Target: a.Target,
	})
	if err != nil {
		return a.advise(err)
	}
	if a.JSON {
		return writeJSON(shapeOfAdvice(advice))
	}
	if len(advice.Wants) == 0 {
		fmt.Fprintln(os.Stderr, "the history has nothing that tests asked for since", advice.Since.Local().Format(time.DateTime))
		return nil
	}
	for i, want := range advice.Wants {
		if i > 0 {
			fmt.Println()
		}
		fmt.Println(advice.Sentence(want))
		if err := writeTable(os.Stdout, curveOf(want)); err != nil {
			return err
		}
	}
	if advice.Cut {
		fmt.Fprintln(os.Stderr, "there was too much: only what happened since", advice.Since.Local().Format(time.DateTime), "counts")
	}
	return nil
}

// curveOf returns the rows of a table of the waits by the number of users.
func curveOf(want domain.WantAdvice) [][]string {
	rows := [][]string{{"USERS", "WAIT P50", "WAIT P95", "GAVE UP"}}
	for _, size := range want.Curve {
		users, p50, p95 := strconv.Itoa(size.Users), "", ""
		if size.Users == want.Users {
			users += " *"
		}
		if size.Served > 0 {
			p50, p95 = domain.DurationText(size.P50), domain.DurationText(size.P95)
		}
		rows = append(rows, []string{users, p50, p95, strconv.Itoa(size.GaveUp)})
	}
	return rows
}

type shownAdvice struct {
	Since         time.Time     `json:"since"`
	Until         time.Time     `json:"until"`
	TargetSeconds int           `json:"target_seconds"`
	Claims        int           `json:"claims"`
	Cut           bool          `json:"cut"`
	Wants         []advisedWant `json:"wants"`
}

type advisedWant struct {
	ProjectID   string        `json:"project_id"`
	Project     string        `json:"project"`
	Env         string        `json:"env"`
	Domain      string        `json:"domain"`
	Labels      domain.Labels `json:"labels"`
	Sentence    string        `json:"sentence"`
	Claims      int           `json:"claims"`
	Users       int           `json:"users"`
	Quarantined int           `json:"quarantined"`
	Enough      int           `json:"enough"`
	Reached     bool          `json:"reached"`
	Most        int           `json:"most"`
	Measured    shownWaits    `json:"measured"`
	Curve       []shownSize   `json:"curve"`

	Together *shownTogether `json:"together,omitempty"`
}

type shownTogether struct {
	More  []shownMore `json:"more"`
	Waits shownWaits  `json:"waits"`
}

type shownMore struct {
	Labels domain.Labels `json:"labels"`
	Users  int           `json:"users"`
}

type shownWaits struct {
	P50    float64 `json:"wait_p50_seconds"`
	P95    float64 `json:"wait_p95_seconds"`
	Served int     `json:"served"`
	GaveUp int     `json:"gave_up"`
}

type shownSize struct {
	Users int        `json:"users"`
	Waits shownWaits `json:"waits"`
}

func shapeOfAdvice(advice domain.Advice) shownAdvice {
	shown := shownAdvice{
		Since: advice.Since.UTC(), Until: advice.Until.UTC(), TargetSeconds: int(advice.Target / time.Second), Claims: advice.Claims,
		Cut: advice.Cut, Wants: make([]advisedWant, len(advice.Wants)),
	}
	for i, w := range advice.Wants {
		shown.Wants[i] = advisedWant{
			ProjectID: w.Pool.ProjectID.String(), Project: w.Project, Env: w.Pool.Env, Domain: w.Pool.Domain, Labels: w.Labels,
			Sentence: advice.Sentence(w), Claims: w.Claims, Users: w.Users, Quarantined: w.Quarantined, Enough: w.Enough,
			Reached: w.Reached, Most: w.Most, Measured: shapeOfWaits(w.Measured), Curve: make([]shownSize, len(w.Curve)),
		}
		for k, size := range w.Curve {
			shown.Wants[i].Curve[k] = shownSize{Users: size.Users, Waits: shapeOfWaits(size.Waits)}
		}
		shown.Wants[i].Together = shapeOfTogether(w.Together)
	}
	return shown
}

func shapeOfTogether(t domain.Together) *shownTogether {
	if len(t.More) == 0 {
		return nil
	}
	shown := shownTogether{More: make([]shownMore, len(t.More)), Waits: shapeOfWaits(t.Waits)}
	for i, more := range t.More {
		shown.More[i] = shownMore(more)
	}
	return &shown
}

func shapeOfWaits(w domain.Waits) shownWaits {
	return shownWaits{
		P50: w.P50.Round(time.Millisecond).Seconds(), P95: w.P95.Round(time.Millisecond).Seconds(), Served: w.Served, GaveUp: w.GaveUp,
	}
}
