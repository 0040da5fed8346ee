package boot

import (
	"errors"
	"fmt"
	"time"
)

// Config are the settings of a farm. The tags are for the command line, which fills the struct.
type Config struct {
	HTTPConfig  `embed:""`
	StoreConfig `embed:""`
	LogConfig   `embed:""`

	LeaseTTL    time.Duration `help:"Time to live of a lease that asks for none." default:"15m" env:"USERFARM_LEASE_TTL"`
	MaxLeaseTTL time.Duration `help:"Longest time to live that a lease may ask for." default:"24h" env:"USERFARM_MAX_LEASE_TTL"`
	OnExpiry    string        `help:"What becomes of users whose lease expires before it is released: ${enum}." enum:"free,quarantine" default:"free" env:"USERFARM_ON_EXPIRY"`
	History     time.Duration `help:"How long to keep what happened to users." default:"720h" env:"USERFARM_HISTORY"`
	SeedLockTTL time.Duration `help:"Time to live of a lock taken with /acquire_lock; 0 is no expiry." default:"0" env:"USERFARM_SEED_LOCK_TTL"`
}

// HTTPConfig says where the farm is served.
type HTTPConfig struct {
	Listen   string `help:"Address to serve on." default:"127.0.0.1:8000" placeholder:"HOST:PORT" env:"USERFARM_LISTEN"`
	Insecure bool   `help:"Serve without API keys on an address that others can reach. Whoever reaches it can read every password." env:"USERFARM_INSECURE"`
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
	errs := []error{c.StoreConfig.Validate()}
	if c.LeaseTTL < time.Second {
		errs = append(errs, errors.New("--lease-ttl must be at least 1s"))
	}
	if c.MaxLeaseTTL < c.LeaseTTL {
		errs = append(errs, fmt.Errorf("--max-lease-ttl must be at least --lease-ttl, %v", c.LeaseTTL))
	}
	if c.SeedLockTTL < 0 {
		errs = append(errs, errors.New("--seed-lock-ttl must not be negative"))
	}
	if c.History < time.Minute {
		errs = append(errs, errors.New("--history must be at least 1m"))
	}
	return errors.Join(errs...)
}

// Validate returns an error that does not quote the setting, which may carry a password.
func (c StoreConfig) Validate() error {
	_, err := parseStoreURL(c.Store)
	return err
}
