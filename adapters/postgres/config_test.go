package postgres

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestAURLHasDefaultSettings(t *testing.T) {
	config, err := parse("postgres://user:secret@host/database")
	if err != nil {
		t.Fatal(err)
	}
	session := config.ConnConfig
	if config.MaxConns != maxConnections || config.PingTimeout != pingTimeout || session.ConnectTimeout != connectTimeout {
		t.Errorf("got %d connections, a ping timeout of %v and a connect timeout of %v",
			config.MaxConns, config.PingTimeout, session.ConnectTimeout)
	}
	if session.ValidateConnect == nil {
		t.Error("servers that accept no writes are not skipped")
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
		t.Errorf("got %d connections, a ping timeout of %v and a connect timeout of %v",
			config.MaxConns, config.PingTimeout, session.ConnectTimeout)
	}
	if session.ValidateConnect != nil {
		t.Error("target_session_attrs=any has no effect")
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

// A URL must not change what a value in a statement means: with other settings, a backslash could end a string.
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

func TestAURLWithARawPasswordIsRefused(t *testing.T) {
	for _, password := range []string{"@", "/", "?", "#", "%", " ", "a@b/c", "1234/5678", "12?34", "x%b1y", "a@b", "100%", "[", "\"", "\n", "%00"} {
		databaseURL := "postgres://farm:" + password + "@127.0.0.1:1/farm"
		if _, err := parse(databaseURL); !errors.Is(err, errURL) {
			t.Errorf("%q: got %v, want %v", databaseURL, err, errURL)
		}
		escaped := "postgres://farm:" + strings.ReplaceAll(url.QueryEscape(password), "+", "%20") + "@127.0.0.1:1/farm"
		if password == "\n" {
			continue // no password has it
		}
		if config, err := parse(escaped); err != nil || config.ConnConfig.Password != password {
			t.Errorf("%q: %v", escaped, err)
		}
	}
	if !strings.Contains(errURL.Error(), "%40") {
		t.Errorf("%v does not say how to write a password", errURL)
	}
}

// Whatever a password is, no part of it is taken for a host, which would be looked up, a database or a setting, all of which errors
// name.
func FuzzPasswordOfAURL(f *testing.F) {
	for _, password := range []string{"secret", "se@cret", "se/cret", "12/cret@host", "se?cret=x", "se#cret", "se%40cret", "a:b", "[::1]", ",", "é"} {
		f.Add(password)
	}
	f.Fuzz(func(t *testing.T, password string) {
		config, err := parse("postgres://farm:" + password + "@127.0.0.1:1/farm")
		if err != nil {
			if !errors.Is(err, errURL) || err.Error() != errURL.Error() {
				t.Errorf("%q: got %v, want %v", password, err, errURL)
			}
			return
		}
		session := config.ConnConfig
		if session.Host != "127.0.0.1" || session.Port != 1 || session.Database != "farm" || session.User != "farm" {
			t.Errorf("%q: got %s:%d/%s as %s", password, session.Host, session.Port, session.Database, session.User)
		}
		for _, fallback := range session.Fallbacks {
			if fallback.Host != "127.0.0.1" || fallback.Port != 1 {
				t.Errorf("%q: got a fallback to %s:%d", password, fallback.Host, fallback.Port)
			}
		}
		if len(session.RuntimeParams) != len(sessionSettings)+len(requiredSettings) {
			t.Errorf("%q: got the settings %v", password, session.RuntimeParams)
		}
	})
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
