package bench

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Config says what to measure. The tags are for the command line, which fills the struct.
type Config struct {
	URL         string        `help:"Farm to measure." default:"http://127.0.0.1:8000"`
	Clients     int           `help:"Clients that acquire and release at the same time." default:"64"`
	For         time.Duration `help:"How long to measure." default:"10s"`
	Users       int           `help:"Users to create for the measurement, all in one pool." default:"1000"`
	Hold        time.Duration `help:"How long a client holds a user before it releases it." default:"0s"`
	AllowRemote bool          `help:"Allow a farm on another machine, which other people may be using."`

	// APIKey is an admin's key, or zero for a farm that needs none. It is not a flag, because other accounts on the machine can see
	// flags.
	APIKey domain.Token `kong:"-"`
}

// Validate returns an error that names every setting that is out of range. The command line calls it.
func (c Config) Validate() error {
	var errs []error
	if target, err := parseURL(c.URL); err != nil {
		errs = append(errs, err)
	} else if !c.AllowRemote && !isLoopback(target.Hostname()) {
		errs = append(errs, errors.New("--url is not on this machine, and the load may disturb the users of that farm: "+
			"allow it with --allow-remote"))
	}
	if c.Clients < 1 {
		errs = append(errs, errors.New("--clients must be at least 1"))
	}
	if c.Users < 1 {
		errs = append(errs, errors.New("--users must be at least 1"))
	}
	if c.For <= 0 {
		errs = append(errs, errors.New("--for must be more than 0"))
	}
	if c.Hold < 0 || c.Hold >= c.For && c.For > 0 {
		errs = append(errs, errors.New("--hold must be shorter than --for, and not negative"))
	}
	return errors.Join(errs...)
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
