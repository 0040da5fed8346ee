package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// acquireCommand acquires users and leaves them to its caller.
type acquireCommand struct {
	farmFlags  `embed:""`
	wantFlags  `embed:""`
	ownerFlags `embed:""`

	Wait   time.Duration `help:"How long to wait while others have the users." default:"0s"`
	TTL    time.Duration `name:"ttl" help:"How long the lease lasts; 0 is what the farm has as its default." default:"0s"`
	JSON   bool          `help:"Write the lease as JSON, as the API does."`
	Export bool          `help:"Write the lease as commands for a shell, which set the variables that userfarm run sets."`
}

// Help has the examples.
func (*acquireCommand) Help() string {
	return `Prefer userfarm run where you can: it renews the lease and releases it. The output has the password and the lease id.

Examples:

  eval "$(userfarm acquire --env stage --label role=admin --wait 5m --export)"
  log-in --as "$USERFARM_LOGIN"
  userfarm release

  userfarm acquire --env stage --json | jq -r '.users[0].login'`
}

// Validate returns an error for flags that can't be meant. The command line calls it.
func (a *acquireCommand) Validate() error {
	errs := []error{a.wantFlags.Validate()}
	if a.JSON == a.Export {
		errs = append(errs, errors.New("choose how to write the lease: --json or --export"))
	}
	if a.Wait < 0 {
		errs = append(errs, errors.New("--wait must be 0 or more"))
	}
	return errors.Join(errs...)
}

// Run releases the lease again if it could not be written. It ignores SIGPIPE, because a closed pipe must not end the process before
// that.
func (a *acquireCommand) Run(ctx context.Context) error {
	signal.Ignore(syscall.SIGPIPE)
	terms := a.terms("userfarm acquire")
	terms.TTL, terms.Wait = a.TTL, a.Wait
	want, err := a.selectors(ctx, a.farm)
	if err != nil {
		return a.advise(err)
	}
	q := queue{farm: a.farm, want: want, terms: terms, notice: &notice{}}
	lease, err := q.acquire(ctx)
	if err != nil {
		return a.advise(err)
	}
	hideSecrets(lease)
	if err := a.write(lease); err != nil {
		q.giveBack(ctx, lease)
		return fmt.Errorf("the lease could not be written, and is released: %w", err)
	}
	return nil
}

func (a *acquireCommand) write(lease domain.Lease) error {
	if a.JSON {
		return writeJSON(shapeOfLease(lease))
	}
	for _, v := range variablesOf(lease, a.prefixes()) {
		if _, err := fmt.Printf("export %s=%s\n", v.name, shellQuote(v.value)); err != nil {
			return err
		}
	}
	return nil
}

// shellWord returns a text as a word for POSIX shells, in quotes if it needs them.
func shellWord(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return shellQuote(text)
}

var plainWord = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// shellQuote quotes a text for POSIX shells.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
