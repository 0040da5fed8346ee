package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/cmd/userfarm/child"
	"github.com/userfarm/userfarm/domain"
)

// releaseWithin is how long a release may take. The farm may be restarting.
const releaseWithin = 30 * time.Second

// releaseSoon is how long a release takes before people are told what they wait for.
const releaseSoon = 2 * time.Second

// runCommand runs a command as long as it holds a lease.
type runCommand struct {
	farmFlags  `embed:""`
	wantFlags  `embed:""`
	ownerFlags `embed:""`

	Wait      time.Duration `help:"How long to wait while others have the users." default:"0s"`
	TTL       time.Duration `name:"ttl" help:"How long the users are missing if this program is killed. The lease is renewed until the command ends." default:"60s"`
	Grace     time.Duration `help:"How long the command may take to end after the lease was lost, before it is killed; at most a third of --ttl." default:"5s"`
	OnFailure string        `help:"What becomes of the users if the command fails: ${enum}." enum:"release,quarantine" default:"release"`

	Command []string `arg:"" help:"Command to run, and its arguments." placeholder:"COMMAND"`
}

// Help has the examples.
func (*runCommand) Help() string {
	return `The command gets USERFARM_LOGIN, USERFARM_PASSWORD, USERFARM_USER_ID and USERFARM_FENCE, and with
--user seller=… USERFARM_SELLER_LOGIN and so on. USERFARM_LEASE_ID and USERFARM_EXPIRES_AT are
about the lease, and USERFARM_URL about the farm.

Examples:

  userfarm run --env stage --label role=admin --wait 5m -- npx playwright test
  userfarm run --env stage --user seller=role=seller --user buyer=role=buyer,region=eu -- pytest

The exit code is that of the command, or else:

  64  bad usage
  65  no user matches
  69  the farm does not answer
  75  no user came free in time
  76  the lease was lost, and the command was ended
  77  the farm refuses the API key`
}

// Validate returns an error for times that can't be meant. The command line calls it.
func (r *runCommand) Validate() error {
	errs := []error{r.wantFlags.Validate()}
	if r.Wait < 0 {
		errs = append(errs, errors.New("--wait must be 0 or more"))
	}
	if r.TTL < time.Second {
		errs = append(errs, errors.New("--ttl must be at least 1s"))
	}
	if r.Grace < 0 {
		errs = append(errs, errors.New("--grace must be 0 or more"))
	}
	return errors.Join(errs...)
}

// Run ends with the exit code of the command.
func (r *runCommand) Run(ctx context.Context) error {
	err := r.run(ctx)
	if exit, ok := errors.AsType[*exitError](err); ok && exit.ctrlC {
		child.EndByCtrlC()
	}
	return err
}

func (r *runCommand) run(ctx context.Context) error {
	path, err := exec.LookPath(r.Command[0]) // before users are acquired for nothing
	if err != nil {
		return notStarted(err)
	}
	ctx = context.WithoutCancel(ctx) // signals end this command in another way than the others
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, child.Signals()...)
	terms := r.terms("userfarm run " + programName(path))
	terms.TTL, terms.Wait = r.TTL, r.Wait
	lease, err := r.acquire(ctx, signals, terms)
	if err != nil {
		return err
	}
	r.silence.tellBy(nil) // the command has the terminal from now on
	held, holding := client.HoldStopping(ctx, r.farm, lease, r.grace())
	end, err := r.runWith(held, lease, path, signals)
	if errors.Is(err, client.ErrLeaseLost) {
		r.giveBack(ctx, holding, err)
		return &exitError{code: exitLost, err: lost(lease, err)}
	}
	if err != nil { // the command was not started
		return errors.Join(err, r.release(ctx, holding, lease, exitError{}))
	}
	return r.release(ctx, holding, lease, end)
}

// acquire waits for the users. A signal ends the wait, and a second one ends the program at once.
func (r *runCommand) acquire(ctx context.Context, signals chan os.Signal, terms domain.Terms) (domain.Lease, error) {
	waiting, leave := context.WithCancelCause(ctx)
	acquired, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case s := <-signals:
				if child.Ends(s) {
					signal.Reset()
					leave(&exitError{code: child.ExitCode(s), ctrlC: s == os.Interrupt})
					return
				}
			case <-acquired:
				return
			}
		}
	}()
	q := queue{farm: r.farm, terms: terms, notice: &notice{}}
	lease, err := r.wait(waiting, &q)
	close(acquired)
	<-watched
	if left := context.Cause(waiting); err == nil && left != nil {
		q.giveBack(ctx, lease)
		err = left
	}
	leave(nil)
	if _, interrupted := errors.AsType[*exitError](err); interrupted || err == nil {
		return lease, err
	}
	return lease, refused(r.advise(err))
}

// wait waits in a queue until ctx ends, and then returns the cause.
func (r *runCommand) wait(ctx context.Context, q *queue) (lease domain.Lease, err error) {
	if q.want, err = r.selectors(ctx, r.farm); err != nil {
		return lease, cmp.Or(context.Cause(ctx), err)
	}
	return q.acquire(ctx)
}

// runWith runs the command until it ends, or ends it when the lease is lost. It returns how the command ended.
func (r *runCommand) runWith(
	held context.Context, lease domain.Lease, path string, signals <-chan os.Signal,
) (end exitError, err error) {
	hideSecrets(lease)
	env := append(os.Environ(), "USERFARM_URL="+r.URL)
	if r.Profile != "" { // userfarm finds the API key there, if the command calls it
		env = append(env, "USERFARM_PROFILE="+r.Profile)
	}
	for _, v := range variablesOf(lease, r.prefixes()) {
		env = append(env, v.name+"="+v.value)
	}
	command, err := child.Start(path, r.Command, env)
	if err != nil {
		return end, notStarted(err)
	}
	for {
		select {
		case s := <-signals:
			command.Signal(s)
		case <-held.Done():
			command.End(r.grace())
			return end, context.Cause(held)
		case <-command.Done():
			return exitError{code: command.ExitCode(), ctrlC: command.EndedByCtrlC()}, nil
		}
	}
}

// programName returns the name of a program for people. The name of its file need not be UTF-8.
func programName(path string) string { return strings.ToValidUTF8(filepath.Base(path), "�") }

// grace is how long the command may take to end. It must have ended before another test may get its users.
func (r *runCommand) grace() time.Duration { return min(r.Grace, r.TTL/3) }

// release releases the users after the command has ended. It returns how this program is to end.
func (r *runCommand) release(ctx context.Context, holding *client.Holding, lease domain.Lease, end exitError) error {
	releasing, cancel := context.WithTimeout(ctx, releaseWithin)
	defer cancel()
	var faults []domain.Fault
	if r.OnFailure == "quarantine" && end.code != 0 && !child.Interrupted(end.code) {
		for _, user := range lease.Users {
			reason := fmt.Sprintf("%s failed with exit code %d", programName(r.Command[0]), end.code)
			faults = append(faults, domain.Fault{UserID: user.ID, Reason: reason})
		}
	}
	slow := time.AfterFunc(releaseSoon, func() {
		fmt.Fprintf(os.Stderr, "userfarm: the command has ended, and the farm does not answer; trying to release %s for up to %v\n", logins(lease), releaseWithin)
	})
	err := holding.Release(releasing, faults...)
	slow.Stop()
	switch {
	case errors.Is(err, domain.ErrLeaseExpired):
		return &exitError{code: exitLost, err: lost(lease, err)}
	case err != nil:
		fmt.Fprintf(os.Stderr, "userfarm: %v\nthe users are free again after %v at the latest\n", plain(err), r.TTL)
	case len(faults) > 0:
		fmt.Fprintf(os.Stderr, "userfarm: %s in quarantine; userfarm users restore ends it\n", isOrAre(lease))
	}
	if end.code == 0 {
		return nil
	}
	return &end
}

// giveBack releases users of a lease that could not be renewed. Nothing is lost if that fails.
func (r *runCommand) giveBack(ctx context.Context, holding *client.Holding, lost error) {
	if errors.Is(lost, domain.ErrLeaseExpired) {
		return
	}
	releasing, cancel := context.WithTimeout(ctx, giveBackWithin)
	defer cancel()
	_ = holding.Release(releasing) //nolint:errcheck // see above
}

// lost says that another test may have used the users.
func lost(lease domain.Lease, cause error) error {
	return fmt.Errorf("the lease of %s is lost, and another test may have used it meanwhile: %w", logins(lease), plain(cause))
}

func logins(lease domain.Lease) string {
	names := make([]string, len(lease.Users))
	for i, user := range lease.Users {
		names[i] = user.Login
	}
	return strings.Join(names, ", ")
}

func isOrAre(lease domain.Lease) string {
	if len(lease.Users) == 1 {
		return logins(lease) + " is"
	}
	return logins(lease) + " are"
}

// notStarted returns the error of a command that could not be started, with the exit code that shells have for it.
func notStarted(err error) error {
	code := exitNotExecutable
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		code = exitNotFound
	}
	return &exitError{code: code, err: err}
}
