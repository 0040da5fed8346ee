package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// lineCommand tells who waits for what.
type lineCommand struct {
	farmFlags `embed:""`
	jsonFlag  `embed:""`
	watchFlag `embed:""`

	Limit int `help:"The most waiters to list; 1000 at most." default:"100"`
}

// Help has the examples.
func (*lineCommand) Help() string {
	return `The waiters are in the order in which they are served.

Examples:

  userfarm line
  userfarm line --watch`
}

// Validate returns an error for a number that can't be meant. The command line calls it.
func (l *lineCommand) Validate() error {
	if l.Limit < 1 || l.Limit > 1000 {
		return errors.New("--limit must be from 1 to 1000")
	}
	return nil
}

// shownWaiter is a waiter as the API has it in JSON.
type shownWaiter struct {
	Position int             `json:"position"`
	Owner    string          `json:"owner"`
	Note     string          `json:"note"`
	Key      *string         `json:"key"`
	Users    []shownSelector `json:"users"`
	Since    time.Time       `json:"since"`
	Until    time.Time       `json:"until"`
}

// shownSelector has the fields that a selector sets.
type shownSelector struct {
	UserID    string        `json:"user_id,omitempty"`
	ProjectID string        `json:"project_id,omitempty"`
	Env       string        `json:"env,omitempty"`
	Domain    string        `json:"domain,omitempty"`
	Labels    domain.Labels `json:"labels,omitempty"`
}

// Run lists the line. It says on standard error if there are more waiters.
func (l *lineCommand) Run(ctx context.Context) error { return l.repeat(ctx, l.show) }

func (l *lineCommand) show(ctx context.Context) error {
	line, total, err := l.farm.Line(ctx, l.Limit)
	if err != nil {
		return l.advise(err)
	}
	if l.JSON {
		l.clear()
		return writeJSON(shapeOfLine(line, total))
	}
	names := namesOfProjects(ctx, l.farm)
	l.clear()
	rows := [][]string{{"PLACE", "WHO", "WANTS", "SINCE", "UNTIL", "NOTE"}}
	for i, w := range line {
		rows = append(rows, []string{
			strconv.Itoa(i + 1), ownerText(w.Owner), names.wantText(w.Want), timeOr("", w.Since), timeOr("", w.Until), w.Note,
		})
	}
	err = writeTable(os.Stdout, rows)
	switch more := total - len(line); {
	case more == 1:
		fmt.Fprintln(os.Stderr, "1 more is waiting")
	case more > 1:
		fmt.Fprintf(os.Stderr, "%d more are waiting\n", more)
	}
	return err
}

func shapeOfLine(line []domain.Waiter, total int) any {
	waiters := make([]shownWaiter, len(line))
	for i, w := range line {
		waiters[i] = shownWaiter{
			Position: i + 1, Owner: w.Owner, Note: w.Note, Key: unlessNone(w.Key), Users: shapeOfWant(w.Want),
			Since: w.Since.UTC(), Until: w.Until.UTC(),
		}
	}
	return struct {
		Total   int           `json:"total"`
		Waiters []shownWaiter `json:"waiters"`
	}{total, waiters}
}

func shapeOfWant(want []domain.Selector) []shownSelector {
	shown := make([]shownSelector, len(want))
	for i, s := range want {
		shown[i] = shownSelector{Env: s.Env, Domain: s.Domain, Labels: s.Labels}
		if !s.UserID.IsZero() {
			shown[i].UserID = s.UserID.String()
		}
		if !s.ProjectID.IsZero() {
			shown[i].ProjectID = s.ProjectID.String()
		}
	}
	return shown
}

// wantText says for people what a waiter wants.
func (n projectNames) wantText(want []domain.Selector) string {
	texts := make([]string, len(want))
	for i, s := range want {
		var parts []string
		if !s.UserID.IsZero() {
			parts = append(parts, "user "+s.UserID.String())
		}
		if s.Env != "" {
			parts = append(parts, "env "+s.Env)
		}
		if s.Domain != "" {
			parts = append(parts, "domain "+s.Domain)
		}
		if len(s.Labels) > 0 {
			parts = append(parts, labelText(s.Labels))
		}
		if !s.ProjectID.IsZero() {
			parts = append(parts, "project "+n.of(s.ProjectID))
		}
		if len(parts) == 0 {
			parts = []string{"any user"}
		}
		texts[i] = strings.Join(parts, " ")
	}
	return strings.Join(texts, "; ")
}
