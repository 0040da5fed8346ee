package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// eventsCommand tells what happened.
type eventsCommand struct {
	farmFlags `embed:""`

	Follow bool     `help:"Write events as they happen, until ctrl-C."`
	Kind   []string `help:"Only events of this kind; may be repeated." enum:"created,changed,acquired,renewed,released,expired,forced,quarantined,restored,removed,gave_up,key_created,key_revoked,project_named"`
	Owner  string   `help:"Only events about locks of this owner."`
	Login  string   `help:"Only events about the user with this login, in whatever spelling."`
	Limit  *int     `help:"The most events to list, the newest ones; 100 if this isn't given, and 1000 at most. Not with --follow." placeholder:"N"`
	JSON   bool     `help:"Write each event as JSON on a line of its own, as the API has it."`
}

// Help has the examples.
func (*eventsCommand) Help() string {
	return `The newest event comes last. The kinds are created, changed, acquired, renewed, released, expired, forced, quarantined, restored,
removed, gave_up, which is about a command that has waited for nothing, project_named, key_created and key_revoked. Only admins see
the last two, which are about API keys.

Examples:

  userfarm events --login ann@example.com
  userfarm events --follow --kind quarantined --kind gave_up`
}

// Validate returns an error for a number that can't be meant. The command line calls it.
func (e *eventsCommand) Validate() error {
	switch {
	case e.Limit == nil:
		return nil
	case e.Follow:
		return errors.New("--follow and --limit exclude each other: --follow shows what happens from now on")
	case *e.Limit < 1 || *e.Limit > 1000:
		return errors.New("--limit must be from 1 to 1000")
	default:
		return nil
	}
}

// listedEvents is how many events are listed unless --limit says it.
const listedEvents = 100

// Run lists or follows the events.
func (e *eventsCommand) Run(ctx context.Context) error {
	q := ports.EventQuery{Owner: e.Owner, Login: e.Login, Limit: listedEvents}
	if e.Limit != nil {
		q.Limit = *e.Limit
	}
	for _, kind := range e.Kind {
		q.Kinds = append(q.Kinds, domain.EventKind(kind))
	}
	if e.Follow {
		return e.follow(ctx, q)
	}
	events, err := e.newest(ctx, q)
	if err != nil {
		return e.advise(err)
	}
	if e.JSON {
		for _, event := range events {
			if err := writeEventJSON(event); err != nil {
				return err
			}
		}
		return nil
	}
	rows := [][]string{eventHeadings}
	for _, event := range events {
		rows = append(rows, eventRow(event))
	}
	return writeTable(os.Stdout, rows)
}

// newest returns the newest events, oldest first.
func (e *eventsCommand) newest(ctx context.Context, q ports.EventQuery) (events []ports.RecordedEvent, err error) {
	for q.NewestFirst = true; ; {
		page, err := e.farm.Events(ctx, q)
		if err != nil {
			return nil, err
		}
		events = append(events, page.Events...)
		if q.After = page.Next; q.After == 0 || len(events) >= q.Limit {
			events = events[:min(len(events), q.Limit)]
			slices.Reverse(events)
			return events, nil
		}
	}
}

// follow writes events until ctx ends. Their columns have fixed widths, because the rest of them is not known yet.
func (e *eventsCommand) follow(ctx context.Context, q ports.EventQuery) error {
	for event, err := range e.farm.Follow(ctx, q) {
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // ctrl-C is how it ends
		case err != nil:
			return e.advise(err)
		case e.JSON:
			err = writeEventJSON(event)
		default:
			err = writeEventLine(event)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var eventHeadings = []string{"AT", "KIND", "ABOUT", "OWNER", "REASON", "ENV", "DOMAIN", "KEY"}

func eventRow(e ports.RecordedEvent) []string {
	return []string{timeOr("", e.At), string(e.Kind), aboutText(e), e.Owner, reasonText(e), e.Pool.Env, e.Pool.Domain, e.KeyName}
}

// aboutText says whom or what an event is about: the login of a user, the name of an API key, or that of a project.
func aboutText(e ports.RecordedEvent) string {
	switch e.Kind {
	case domain.APIKeyCreated, domain.APIKeyRevoked:
		return "API key " + cmp.Or(e.Name, e.About.String())
	case domain.ProjectNamed:
		return "project " + cmp.Or(e.Name, e.Pool.ProjectID.String())
	default:
		return e.Login
	}
}

// reasonText says what else there is to know of an event.
func reasonText(e ports.RecordedEvent) string {
	switch {
	case e.Kind == domain.UserChanged:
		return strings.TrimSuffix(e.Changed.String()+": "+e.Reason, ": ")
	case e.Kind == domain.ProjectNamed && e.Name == "":
		return strings.TrimSuffix("no name anymore: "+e.Reason, ": ")
	case e.Waited > 0:
		return "waited " + e.Waited.Truncate(time.Millisecond).String()
	default:
		return e.Reason
	}
}

func writeEventLine(event ports.RecordedEvent) error {
	line := ""
	for i, width := range []int{20, 13, 24, 20, 0} {
		line += text.Pad(eventRow(event)[i], width, ' ') + columnGap
	}
	if width := widthOf(os.Stdout); width > 0 {
		line = text.Snip(line, width, "…")
	}
	_, err := fmt.Println(strings.TrimRight(line, " "))
	return err
}

// shownEvent is an event as the API has it in JSON.
type shownEvent struct {
	EventID       string          `json:"event_id"`
	At            time.Time       `json:"at"`
	Kind          string          `json:"kind"`
	UserID        *string         `json:"user_id"`
	Login         string          `json:"login"`
	ProjectID     *string         `json:"project_id"`
	Env           string          `json:"env"`
	Domain        string          `json:"domain"`
	Owner         string          `json:"owner"`
	Note          string          `json:"note"`
	Fence         uint64          `json:"fence"`
	Reason        string          `json:"reason"`
	Changed       []string        `json:"changed"`
	WaitedSeconds float64         `json:"waited_seconds"`
	HeldSeconds   float64         `json:"held_seconds"`
	Want          []shownSelector `json:"want"`
	Key           *shownKey       `json:"key"`
	AboutKeyID    *string         `json:"about_key_id"`
	Name          string          `json:"name"`
}

type shownKey struct {
	KeyID string `json:"key_id"`
	Name  string `json:"name"`
}

func writeEventJSON(e ports.RecordedEvent) error {
	shown := shownEvent{
		EventID: strconv.FormatInt(int64(e.ID), 10), At: e.At.UTC(), Kind: string(e.Kind), UserID: textUnlessZero(e.UserID), Login: e.Login,
		ProjectID: textUnlessZero(e.Pool.ProjectID), Env: e.Pool.Env, Domain: e.Pool.Domain, Owner: e.Owner, Note: e.Note, Fence: e.Fence,
		Reason: e.Reason, Changed: e.Changed.Names(), WaitedSeconds: e.Waited.Seconds(),
		HeldSeconds: e.Held.Seconds(), Want: shapeOfWant(e.Want),
		AboutKeyID: textUnlessZero(e.About), Name: e.Name,
	}
	if !e.Key.IsZero() {
		shown.Key = &shownKey{e.Key.String(), e.KeyName}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(shown)
}

// textUnlessZero returns the text of an id; nil for the zero id, of which JSON makes null.
func textUnlessZero[T interface {
	IsZero() bool
	String() string
}](id T) *string {
	if id.IsZero() {
		return nil
	}
	return new(id.String())
}
