package boot

import (
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/domain/login"
)

// Config holds the settings of a farm. The command line fills it; the tags describe the flags.
type Config struct {
	HTTPConfig    `embed:""`
	MetricsConfig `embed:""`
	AccessConfig  `embed:""`
	LimitsConfig  `embed:""`
	StoreConfig   `embed:""`
	LogConfig     `embed:""`

	LeaseTTL      time.Duration `help:"Time to live of a lease that asks for none." default:"15m" env:"USERFARM_LEASE_TTL"`
	MaxLeaseTTL   time.Duration `help:"Longest time to live that a lease may ask for." default:"24h" env:"USERFARM_MAX_LEASE_TTL"`
	OnExpiry      string        `help:"What becomes of users whose lease expires before it is released: ${enum}." enum:"free,quarantine" default:"free" env:"USERFARM_ON_EXPIRY"`
	History       time.Duration `help:"How long to keep what happened." default:"720h" env:"USERFARM_HISTORY"`
	LegacyLockTTL time.Duration `help:"Time to live of a lock taken with /acquire_lock; 0 is no expiry." default:"0" env:"USERFARM_LEGACY_LOCK_TTL"`

	// Revision is the revision of the source that the program was built from, if that is known.
	Revision string `kong:"-"`

	LoginsAreCaseSensitive bool `help:"The system under test tells logins apart by upper and lower case: Ann and ann are two accounts. All replicas need the same setting." env:"USERFARM_LOGINS_ARE_CASE_SENSITIVE"`
}

func (c Config) loginRule() login.Rule { return login.Rule{CaseSensitive: c.LoginsAreCaseSensitive} }

// HTTPConfig says on which address the farm serves, and how.
type HTTPConfig struct {
	Listen   string `help:"Address to serve on." default:"127.0.0.1:8000" placeholder:"HOST:PORT" env:"USERFARM_LISTEN"`
	Insecure bool   `help:"Serve without API keys on an address that others can reach. Every machine that reaches it can read every password." env:"USERFARM_INSECURE"`
	TLSCert  string `name:"tls-cert" help:"File with the TLS certificate to serve with, in PEM, with its chain. It may be replaced while the farm serves." placeholder:"FILE" env:"USERFARM_TLS_CERT"`
	TLSKey   string `name:"tls-key" help:"File with the private key of the certificate, in PEM." placeholder:"FILE" env:"USERFARM_TLS_KEY"`
}

// MetricsConfig says where the farm serves its metrics, besides /metrics of its own address, which needs an API key.
type MetricsConfig struct {
	MetricsListen string `help:"Another address, on which the farm serves /metrics and nothing else. Every machine that reaches it can read the names of environments and counts, without an API key; choose it accordingly." placeholder:"HOST:PORT" env:"USERFARM_METRICS_LISTEN"`
}

// AccessConfig gives the farm the API key of its first admin.
type AccessConfig struct {
	AdminKeyFile string `help:"File with an API key for the first admin (userfarm keys generate makes one). Alternatively, put the key itself in USERFARM_ADMIN_KEY." placeholder:"FILE" env:"USERFARM_ADMIN_KEY_FILE"`
}

// LimitsConfig keeps one caller from using up the farm's resources. Each replica counts separately.
type LimitsConfig struct {
	MaxRequestsPerSecond int           `help:"Requests per second with one API key; 0 means no limit." default:"10000" env:"USERFARM_MAX_REQUESTS_PER_SECOND"`
	MaxWaiting           int           `help:"Requests with one API key that may wait for users or codes, or stream events or users, at the same time." default:"10000" env:"USERFARM_MAX_WAITING"`
	MaxConnections       int           `help:"Connections at the same time." default:"20000" env:"USERFARM_MAX_CONNECTIONS"`
	ReadTimeout          time.Duration `help:"How long a request may take to arrive." default:"30s" env:"USERFARM_READ_TIMEOUT"`
	WriteTimeout         time.Duration `help:"How long a client may take to read an answer." default:"30s" env:"USERFARM_WRITE_TIMEOUT"`
	IdleTimeout          time.Duration `help:"How long a connection without requests is kept." default:"2m" env:"USERFARM_IDLE_TIMEOUT"`
}

// StoreConfig says where the farm stores its users.
type StoreConfig struct {
	Store             string `help:"Where to store the users: sqlite:FILE, postgres://… or memory:." default:"sqlite:userfarm.db" placeholder:"URL" env:"USERFARM_STORE"`
	EncryptionKeyFile string `help:"File with the keys that encrypt passwords. For SQLite, the default is a file next to the database, which is created if it is missing; PostgreSQL needs this setting." placeholder:"FILE" env:"USERFARM_ENCRYPTION_KEY_FILE"`
}

// LogConfig says what the farm logs, and in which format.
type LogConfig struct {
	LogLevel  string `help:"Lowest level to log: ${enum}." enum:"debug,info,warn,error" default:"info" env:"USERFARM_LOG_LEVEL"`
	LogFormat string `help:"Format of the log: ${enum}; auto is text on a terminal and json elsewhere." enum:"auto,text,json" default:"auto" env:"USERFARM_LOG_FORMAT"`
}

// Validate returns an error that names every setting with which a farm can't run. The command line calls it.
func (c Config) Validate() error {
	errs := []error{c.HTTPConfig.Validate(), c.AccessConfig.Validate(), c.LimitsConfig.Validate(), c.StoreConfig.Validate()}
	if c.LeaseTTL < time.Second {
		errs = append(errs, errors.New("--lease-ttl must be at least 1s"))
	}
	if c.MaxLeaseTTL < c.LeaseTTL {
		errs = append(errs, fmt.Errorf("--max-lease-ttl must be at least --lease-ttl, %v", c.LeaseTTL))
	}
	if c.LegacyLockTTL != 0 && c.LegacyLockTTL < time.Second {
		errs = append(errs, errors.New("--legacy-lock-ttl must be 0 or at least 1s"))
	}
	if c.History < time.Minute {
		errs = append(errs, errors.New("--history must be at least 1m"))
	}
	return errors.Join(errs...)
}

// Validate returns an error if only one of the two TLS files is set.
func (c HTTPConfig) Validate() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key must be set together")
	}
	return nil
}

// Validate returns an error that names every limit that is out of range.
func (c LimitsConfig) Validate() error {
	var errs []error
	for _, rule := range []struct {
		valid bool
		says  string
	}{
		{c.MaxRequestsPerSecond >= 0, "--max-requests-per-second must be 0 or more"},
		{c.MaxWaiting >= 1, "--max-waiting must be at least 1"},
		{c.MaxConnections >= 1, "--max-connections must be at least 1"},
		{c.ReadTimeout > 0, "--read-timeout must be more than 0"},
		{c.WriteTimeout > 0, "--write-timeout must be more than 0"},
		{c.IdleTimeout > 0, "--idle-timeout must be more than 0"},
	} {
		if !rule.valid {
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

// Validate returns an error that does not quote the setting, because the setting may contain a password.
func (c StoreConfig) Validate() error {
	_, err := parseStoreURL(c.Store)
	return err
}
