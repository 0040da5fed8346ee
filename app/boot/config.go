package boot

import (
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
)

// Config are the settings of a farm. The tags are for the command line, which fills the struct.
type Config struct {
	HTTPConfig   `embed:""`
	AccessConfig `embed:""`
	LimitsConfig `embed:""`
	StoreConfig  `embed:""`
	LogConfig    `embed:""`

	LeaseTTL      time.Duration `help:"Time to live of a lease that asks for none." default:"15m" env:"USERFARM_LEASE_TTL"`
	MaxLeaseTTL   time.Duration `help:"Longest time to live that a lease may ask for." default:"24h" env:"USERFARM_MAX_LEASE_TTL"`
	OnExpiry      string        `help:"What becomes of users whose lease expires before it is released: ${enum}." enum:"free,quarantine" default:"free" env:"USERFARM_ON_EXPIRY"`
	History       time.Duration `help:"How long to keep what happened to users." default:"720h" env:"USERFARM_HISTORY"`
	LegacyLockTTL time.Duration `help:"Time to live of a lock taken with /acquire_lock; 0 is no expiry." default:"0" env:"USERFARM_LEGACY_LOCK_TTL"`
}

// HTTPConfig says where the farm is served.
type HTTPConfig struct {
	Listen   string `help:"Address to serve on." default:"127.0.0.1:8000" placeholder:"HOST:PORT" env:"USERFARM_LISTEN"`
	Insecure bool   `help:"Serve without API keys on an address that others can reach. Whoever reaches it can read every password." env:"USERFARM_INSECURE"`
	TLSCert  string `name:"tls-cert" help:"File with the TLS certificate to serve with, in PEM, with its chain. It may be replaced while the farm serves." placeholder:"FILE" env:"USERFARM_TLS_CERT"`
	TLSKey   string `name:"tls-key" help:"File with the private key of the certificate, in PEM." placeholder:"FILE" env:"USERFARM_TLS_KEY"`
}

// AccessConfig says who may use the farm before anybody can make an API key.
type AccessConfig struct {
	AdminKeyFile string `help:"File with an API key for the first admin (userfarm keys generate makes one). The key itself may be in USERFARM_ADMIN_KEY instead." placeholder:"FILE" env:"USERFARM_ADMIN_KEY_FILE"`
}

// LimitsConfig keeps one caller from taking the farm away from all others. Each replica counts for itself.
type LimitsConfig struct {
	MaxRequestsPerSecond int           `help:"Requests a second with one API key; 0 is any number." default:"10000" env:"USERFARM_MAX_REQUESTS_PER_SECOND"`
	MaxWaiting           int           `help:"Requests with one API key at one time that wait, for users or codes, and streams, of events or of all users." default:"10000" env:"USERFARM_MAX_WAITING"`
	MaxConnections       int           `help:"Connections at one time." default:"20000" env:"USERFARM_MAX_CONNECTIONS"`
	ReadTimeout          time.Duration `help:"How long a request may take to arrive." default:"30s" env:"USERFARM_READ_TIMEOUT"`
	WriteTimeout         time.Duration `help:"How long a client may take to read an answer." default:"30s" env:"USERFARM_WRITE_TIMEOUT"`
	IdleTimeout          time.Duration `help:"How long a connection without requests is kept." default:"2m" env:"USERFARM_IDLE_TIMEOUT"`
}

// StoreConfig says where the users are kept.
type StoreConfig struct {
	Store             string `help:"Where users are kept: sqlite:FILE, postgres://… or memory:." default:"sqlite:userfarm.db" placeholder:"URL" env:"USERFARM_STORE"`
	EncryptionKeyFile string `help:"File with the keys that seal passwords. Made beside an SQLite file if it has none yet; PostgreSQL needs one." placeholder:"FILE" env:"USERFARM_ENCRYPTION_KEY_FILE"`
}

// LogConfig says what is logged, and how.
type LogConfig struct {
	LogLevel  string `help:"Least level to log: ${enum}." enum:"debug,info,warn,error" default:"info" env:"USERFARM_LOG_LEVEL"`
	LogFormat string `help:"Format of the log: ${enum}; auto is text on a terminal, else json." enum:"auto,text,json" default:"auto" env:"USERFARM_LOG_FORMAT"`
}

// Validate returns what no farm can run with. The command line calls it.
func (c Config) Validate() error {
	errs := []error{c.HTTPConfig.Validate(), c.AccessConfig.Validate(), c.LimitsConfig.Validate(), c.StoreConfig.Validate()}
	if c.LeaseTTL < time.Second {
		errs = append(errs, errors.New("--lease-ttl must be at least 1s"))
	}
	if c.MaxLeaseTTL < c.LeaseTTL {
		errs = append(errs, fmt.Errorf("--max-lease-ttl must be at least --lease-ttl, %v", c.LeaseTTL))
	}
	if c.LegacyLockTTL < 0 {
		errs = append(errs, errors.New("--legacy-lock-ttl must not be negative"))
	}
	if c.History < time.Minute {
		errs = append(errs, errors.New("--history must be at least 1m"))
	}
	return errors.Join(errs...)
}

// Validate returns an error if the farm can't be served so.
func (c HTTPConfig) Validate() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key must be given both, or none of them")
	}
	return nil
}

// Validate returns an error that names every limit that can't be kept.
func (c LimitsConfig) Validate() error {
	var errs []error
	for _, rule := range []struct {
		kept bool
		says string
	}{
		{c.MaxRequestsPerSecond >= 0, "--max-requests-per-second must be 0 or more"},
		{c.MaxWaiting >= 1, "--max-waiting must be at least 1"},
		{c.MaxConnections >= 1, "--max-connections must be at least 1"},
		{c.ReadTimeout > 0, "--read-timeout must be more than 0"},
		{c.WriteTimeout > 0, "--write-timeout must be more than 0"},
		{c.IdleTimeout > 0, "--idle-timeout must be more than 0"},
	} {
		if !rule.kept {
			errs = append(errs, errors.New(rule.says))
		}
	}
	if len(errs) == 0 {
		return c.limits().Validate()
	}
	return errors.Join(errs...)
}

func (c LimitsConfig) limits() http.Limits {
	return http.Limits{
		Rate:         c.MaxRequestsPerSecond,
		Waiting:      c.MaxWaiting,
		Connections:  c.MaxConnections,
		ReadTimeout:  c.ReadTimeout,
		WriteTimeout: c.WriteTimeout,
		IdleTimeout:  c.IdleTimeout,
	}
}

// Validate returns an error that does not quote the setting, which may carry a password.
func (c StoreConfig) Validate() error {
	_, err := parseStoreURL(c.Store)
	return err
}
