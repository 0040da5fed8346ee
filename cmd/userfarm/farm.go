package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// keyVariable is the environment variable for the API key. There is no flag for it, because other accounts on the machine can see
// flags.
const keyVariable = "USERFARM_API_KEY"

// farmFlags say where the farm is, and who asks.
type farmFlags struct {
	Profile    string `help:"Profile that has the address and the API key; userfarm profiles lists them." placeholder:"NAME" env:"USERFARM_PROFILE"`
	URL        string `help:"Address of the farm." default:"http://127.0.0.1:8000" placeholder:"URL" env:"USERFARM_URL"`
	APIKeyFile string `help:"File with the API key. Alternatively, put the key itself in USERFARM_API_KEY." placeholder:"FILE" env:"USERFARM_API_KEY_FILE"`

	farm     *client.Client
	silence  *unanswered
	withheld string            // address that the API key of the profile is for, if it is another one
	profiled map[string]string // values of flags that the profile gave
}

// AfterApply makes the client. The command line calls it.
func (f *farmFlags) AfterApply(settings *profileSettings) error {
	key, from, err := f.apiKey(settings)
	if err != nil {
		return err
	}
	f.silence = &unanswered{RoundTripper: http.DefaultTransport, farm: f.URL, tell: tellTerminal}
	farm, err := client.New(f.URL, client.WithAPIKey(key), client.WithTransport(f.silence))
	switch {
	case errors.Is(err, domain.ErrMalformedToken):
		return fmt.Errorf("%s: %w", from, plain(err))
	case err != nil:
		return fmt.Errorf("--url: %w", plain(err))
	}
	f.farm, f.profiled = farm, settings.said
	return nil
}

// tellProfile says which users a list leaves out because the profile says so.
func (f *farmFlags) tellProfile() {
	var only, override []string
	for _, flag := range []string{"project", "env"} {
		if value := f.profiled[flag]; value != "" {
			only = append(only, "--"+flag+" "+shellWord(value))
			override = append(override, "--"+flag+` ""`)
		}
	}
	if len(only) > 0 {
		fmt.Fprintf(os.Stderr, "only users of %s, as the profile says; for all: %s\n", strings.Join(only, " "), strings.Join(override, " "))
	}
}

// apiKey returns the API key, and where it comes from. That of a profile is sent to the address of the profile only: no other farm must
// get it because somebody tries another address.
func (f *farmFlags) apiKey(settings *profileSettings) (key, from string, err error) {
	if f.APIKeyFile != "" {
		text, err := os.ReadFile(f.APIKeyFile)
		if err != nil {
			return "", "", fmt.Errorf("--api-key-file: %w", err)
		}
		return strings.TrimSpace(string(text)), "--api-key-file", nil
	}
	if key := os.Getenv(keyVariable); key != "" {
		return key, keyVariable, nil
	}
	file, p, err := settings.pick(f.Profile)
	if err != nil {
		return "", "", err
	}
	if p.URL != "" && p.URL != f.URL {
		f.withheld = p.URL
		return "", "", nil
	}
	secret, err := file.ReadKey(p)
	if err != nil {
		return "", "", &profileError{err}
	}
	return secret.Reveal(), file.Path, nil
}

// advices say what to do about errors of the farm. The first row that fits counts.
var advices = []struct {
	err    error
	advice string
}{
	{domain.ErrUnauthorized, "put an API key into " + keyVariable + ", name its file with --api-key-file, or keep it in a profile (userfarm profiles set); " +
		"an admin makes one with: userfarm keys create --role tester --name NAME"},
	{domain.ErrForbidden, "use an API key with another role or other projects; userfarm keys list shows them to the operator of the farm"},
	{domain.ErrNoMatch, "userfarm users list shows which users there are"},
	{domain.ErrPoolExhausted, "wait longer (--wait), or see who has the users: userfarm who"},
	{errUnknownProject, "userfarm projects shows which projects there are"},
	{domain.ErrProjectNameTaken, "userfarm projects shows which project has it, unless that is hidden from your API key"},
	{domain.ErrUserExists, "find it with: userfarm users list --login LOGIN"},
	{domain.ErrUserQuarantined, "userfarm users show tells why; an admin puts the user back: userfarm users restore"},
	{domain.ErrUserLocked, "see who has the user: userfarm who; an admin can take it away: userfarm users force-release"},
	{domain.ErrUserNotFound, "userfarm users list shows which users there are"},
	{domain.ErrLeaseNotFound, "check USERFARM_LEASE_ID, or acquire again: userfarm acquire --help"},
	{domain.ErrLeaseExpired, "acquire again: userfarm acquire --help"},
}

// advise returns an error of the farm with what to do about it.
func (f *farmFlags) advise(err error) error {
	if answered, ok := errors.AsType[*client.Error](err); errors.Is(err, ports.ErrUnavailable) && (!ok || answered.Status == 0) {
		return advised(err, "is "+f.URL+" the right address? --url or USERFARM_URL names another one; userfarm serve starts a farm")
	}
	if errors.Is(err, domain.ErrUnauthorized) && f.withheld != "" {
		return advised(err, "the API key of the profile is for "+f.withheld+" only; put one for "+f.URL+" into "+keyVariable)
	}
	if unmatched, ok := errors.AsType[*domain.UnmatchedError](err); ok && unmatched.Occupancy != nil && len(unmatched.Occupancy.Quarantined) > 0 {
		return advised(err, "waiting does not help; userfarm users list --status quarantined shows them, and an admin puts them back: userfarm users restore")
	}
	if said := f.profiled["project"]; errors.Is(err, errUnknownProject) && said != "" {
		return advised(err, "the profile says --project "+shellWord(said)+"; userfarm projects shows which projects there are")
	}
	for _, row := range advices {
		if errors.Is(err, row.err) {
			return advised(err, row.advice)
		}
	}
	return advised(err, "")
}

// advisedError is an error with what to do about it.
type advisedError struct {
	err    error
	advice string // may be empty
}

func advised(err error, advice string) error {
	if err == nil {
		return nil
	}
	return &advisedError{err, advice}
}

// Error returns a text of two lines, or of one without an advice.
func (e *advisedError) Error() string {
	text := plain(e.err).Error()
	if e.advice != "" {
		text += "\n" + e.advice
	}
	return text
}

// Unwrap returns the error.
func (e *advisedError) Unwrap() error { return e.err }

// plain returns what the farm has said, without the packages that have passed it on: the user of a command does not know them.
func plain(err error) error {
	if bad, ok := errors.AsType[*domain.InvalidError](err); ok {
		return invalid(bad)
	}
	if unmatched, ok := errors.AsType[*domain.UnmatchedError](err); ok {
		return errors.New(unmet(unmatched))
	}
	text := err.Error()
	if answered, ok := errors.AsType[*client.Error](err); ok {
		text = answered.Error()
	}
	return errors.New(strings.TrimPrefix(text, "client: "))
}
