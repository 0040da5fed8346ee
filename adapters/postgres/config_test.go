package postgres

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestDefaultsOfAURL(t *testing.T) {
	config, err := parse("postgres://user:secret@host/database")
	if err != nil {
		t.Fatal(err)
	}
	session := config.ConnConfig
	if config.MaxConns != maxConnections || config.PingTimeout != pingTimeout || session.ConnectTimeout != connectTimeout {
		t.Errorf("got a pool of %d, %v to ping and %v to connect", config.MaxConns, config.PingTimeout, session.ConnectTimeout)
	}
	if session.ValidateConnect == nil {
		t.Error("servers that take no writes are not passed over")
	}
	if session.DefaultQueryExecMode != pgx.QueryExecModeExec {
		t.Errorf("statements are sent in the mode %v", session.DefaultQueryExecMode)
	}
	for name, want := range map[string]string{
		"application_name":                    "userfarm",
		"statement_timeout":                   "5s",
		"lock_timeout":                        "5s",
		"idle_in_transaction_session_timeout": "10s",
		"standard_conforming_strings":         "on",
		"client_encoding":                     "UTF8",
	} {
		if got := session.RuntimeParams[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestAURLOverridesTheDefaults(t *testing.T) {
	config, err := parse("postgres://user:secret@host/database?pool_max_conns=3&pool_ping_timeout=7s&connect_timeout=9" +
		"&target_session_attrs=any&application_name=mine&statement_timeout=1s&lock_timeout=2s" +
		"&idle_in_transaction_session_timeout=3s")
	if err != nil {
		t.Fatal(err)
	}
	session := config.ConnConfig
	if config.MaxConns != 3 || config.PingTimeout != 7*time.Second || session.ConnectTimeout != 9*time.Second {
		t.Errorf("got a pool of %d, %v to ping and %v to connect", config.MaxConns, config.PingTimeout, session.ConnectTimeout)
	}
	if session.ValidateConnect != nil {
		t.Error("target_session_attrs=any is not heard")
	}
	for name, want := range map[string]string{
		"application_name":                    "mine",
		"statement_timeout":                   "1s",
		"lock_timeout":                        "2s",
		"idle_in_transaction_session_timeout": "3s",
	} {
		if got := session.RuntimeParams[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// What a value in a statement means must not be for the URL to say: a backslash could end a string.
func TestAURLDoesNotChangeHowValuesAreRead(t *testing.T) {
	config, err := parse("postgres://user:secret@host/database?standard_conforming_strings=off&client_encoding=SJIS")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range requiredSettings {
		if got := config.ConnConfig.RuntimeParams[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestAURLWithBadSettingsIsRefused(t *testing.T) {
	for _, settings := range []string{
		"pool_max_conns=none", "pool_max_conns=0", "sslmode=perhaps", "target_session_attrs=some",
	} {
		if _, err := parse("postgres://user:secret@host/database?" + settings); !errors.Is(err, errURL) {
			t.Errorf("%s: got %v, want %v", settings, err, errURL)
		}
	}
}
