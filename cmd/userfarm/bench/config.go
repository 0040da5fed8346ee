package bench

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// maxWaiters is how many requests of one API key a farm lets wait unless it is configured otherwise.
const maxWaiters = 10_000

// What an acquire wants, with --label-sets and with --waiters.
const (
	wantShared = "shared"
	wantAlike  = "alike"
)

// Config says what to measure. The tags are for the command line, which fills the struct.
type Config struct {
	URL         string        `help:"Farm to measure." default:"http://127.0.0.1:8000"`
	AllowRemote bool          `help:"Allow a farm on another machine, which other people may be using."`
	Clients     int           `help:"Clients that acquire and release at the same time." default:"64"`
	For         time.Duration `help:"How long to measure, in each round." default:"10s"`
	Hold        time.Duration `help:"How long a client holds a user before it releases it." default:"0s"`

	Users     int    `help:"Users to create for the clients." default:"1000"`
	Pools     int    `help:"Pools to spread the users over. Each acquire wants a user of one of them." default:"1"`
	LabelSets int    `help:"Different sets of labels to give to the users of each pool; 0 is no labels." default:"0"`
	Want      string `help:"What an acquire wants with --label-sets: a label that only one of the sets has, or one that all of them share (${enum})." enum:"one,shared" default:"one"`

	Waiters     int    `help:"Acquires that wait in line during the measurement, for held users of another pool. Afterwards, some of these users are handed over to their waiters, and the time that it takes is reported." default:"0"`
	WaitersWant string `help:"What the waiters want: each a user of its own, or all the same user (${enum})." enum:"different,alike" default:"different"`

	Compare bool `help:"Also measure, in each round, as many users in one pool, without labels and waiters, and report the ratio."`
	Rounds  int  `help:"How often to measure. The report gives the median, minimum and maximum of the rounds." default:"1"`

	// APIKey is an admin's key, or zero for a farm that needs none. It is not a flag, because other accounts on the machine can see
	// flags.
	APIKey domain.Token `kong:"-"`
}

// Validate returns an error that names every setting that is out of range, or makes no sense with the others. The command line calls
// it.
func (c Config) Validate() error {
	var errs []error
	if target, err := parseURL(c.URL); err != nil {
		errs = append(errs, err)
	} else if !c.AllowRemote && !isLoopback(target.Hostname()) {
		errs = append(errs, errors.New("--url is not on this machine, and the load may disturb the users of that farm: "+
			"allow it with --allow-remote"))
	}
	layout := c.layout()
	for _, rule := range []struct {
		valid bool
		says  string
	}{
		{c.Clients >= 1, "--clients must be at least 1"},
		{c.Users >= 1, "--users must be at least 1"},
		{c.For > 0, "--for must be more than 0"},
		{c.Hold >= 0 && (c.Hold < c.For || c.For <= 0), "--hold must be shorter than --for, and not negative"},
		{c.Pools >= 1, "--pools must be at least 1"},
		{c.LabelSets >= 0, "--label-sets must not be negative"},
		{c.Pools < 1 || c.LabelSets < 0 || c.Users >= c.Pools*max(c.LabelSets, 1),
			fmt.Sprintf("--users must be at least --pools times --label-sets, %d, so that each set of each pool has a user",
				c.Pools*max(c.LabelSets, 1))},
		{c.Want != wantShared || c.LabelSets > 0, "--want shared needs --label-sets"},
		{c.Waiters >= 0 && c.Waiters <= maxWaiters, fmt.Sprintf("--waiters must be from 0 to %d", maxWaiters)},
		{c.WaitersWant != wantAlike || c.Waiters > 0, "--waiters-want alike needs --waiters"},
		{!c.Compare || layout != plain || c.Waiters > 0,
			"--compare needs --pools, --label-sets or --waiters: it would compare a plain pool with itself"},
		{c.Rounds >= 1, "--rounds must be at least 1"},
	} {
		if !rule.valid {
			errs = append(errs, errors.New(rule.says))
		}
	}
	return errors.Join(errs...)
}

func (c Config) layout() layout {
	return layout{pools: c.Pools, labelSets: c.LabelSets, shared: c.Want == wantShared}
}

// users returns how many users the bench creates.
func (c Config) users() int {
	n := c.Users + c.lineUsers()
	if c.Compare && c.layout() != plain {
		n += c.Users
	}
	return n
}

// lineUsers returns how many users the waiters want.
func (c Config) lineUsers() int {
	if c.WaitersWant == wantAlike {
		return min(c.Waiters, 1)
	}
	return c.Waiters
}

// parseURL returns an error that does not quote the text, because the text may contain a password.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("--url must be http://HOST:PORT or https://HOST:PORT, and may have a path")
	}
	return u, nil
}

// isLoopback does not look up names: the address of a name may change between the look-up and the measurement.
func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
