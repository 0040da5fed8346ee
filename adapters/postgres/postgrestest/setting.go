package postgrestest

import (
	"errors"
	"net/url"
	"os"
	"testing"
)

// Variable is the environment variable that says which PostgreSQL the tests use:
//
//   - unset: the programs on this machine; without them, the tests that need them are skipped.
//   - required: the same, but a test fails where it would be skipped.
//   - off: none. The tests that need PostgreSQL are skipped.
//   - postgres://USER:PASSWORD@HOST:PORT/DATABASE: the server at this URL. It must ask for a password, and the user must be
//     a superuser. Each test creates databases of its own, whose names begin with userfarm_test_, and drops them. Packages
//     take turns on the server. A test that needs a server of its own is skipped.
const Variable = "USERFARM_TEST_POSTGRES"

// setting is the value of [Variable].
type setting struct {
	required bool
	off      bool
	server   *url.URL // nil unless the value is a URL
}

var errSetting = errors.New(Variable + " must be required, off or postgres://USER:PASSWORD@HOST:PORT/DATABASE")

// parseSetting returns an error that does not quote the text, because a URL contains a password.
func parseSetting(text string) (setting, error) {
	switch text {
	case "":
		return setting{}, nil
	case "required":
		return setting{required: true}, nil
	case "off":
		return setting{off: true}, nil
	}
	server, err := url.Parse(text)
	if err != nil || server.Scheme != "postgres" && server.Scheme != "postgresql" || server.Hostname() == "" {
		return setting{}, errSetting
	}
	if password, _ := server.User.Password(); password == "" {
		return setting{}, errSetting
	}
	return setting{server: server}, nil
}

// readSetting reads the variable. It does so for every test: go test runs a test again, in place of its cached result, if a
// variable that the test itself read has changed.
func readSetting(t testing.TB) setting {
	t.Helper()
	s, err := parseSetting(os.Getenv(Variable))
	failIf(t, err)
	return s
}

// needPrograms returns PostgreSQL's programs. It skips the test if the setting is off or, unless they are required, if the
// programs are missing.
func needPrograms(t testing.TB, s setting) programs {
	t.Helper()
	if s.off {
		t.Skip(Variable + " is off")
	}
	found, err := find()
	if errors.Is(err, errNoPrograms) && !s.required {
		skip(t, err.Error(), installAdvice)
	}
	failIf(t, err)
	return found
}
