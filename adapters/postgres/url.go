package postgres

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
)

// errURL tells nothing of the URL: where its password ends can't be told when it can't be read.
var errURL = errors.New("postgres: the URL of the database, or a setting in it, can't be read; " +
	"it has the form postgres://user:password@host:port/database?setting=value; " +
	"in each part, write @ / ? # % and blanks as %40 %2F %3F %23 %25 %20")

// CheckURL returns an error if a URL can't be read, or only by a guess at where its password ends: a part of the password would be
// taken for a host, which would be looked up, or would be in an error. The error has no part of the URL.
func CheckURL(databaseURL string) error {
	_, rest, _ := strings.Cut(databaseURL, "://")
	before, after, hasUser := strings.Cut(rest, "@")
	if strings.Contains(rest, "#") || hasUser && (strings.ContainsAny(before, "/?") || strings.Contains(after, "@")) {
		return errURL
	}
	parsed, err := url.Parse(databaseURL)
	if err != nil {
		return errURL
	}
	if password, _ := parsed.User.Password(); !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl) {
		return errURL // a raw % before two digits
	}
	return nil
}

// hideSettings returns an error about a setting that the server refuses. If the URL has a password among its settings, the setting may
// be a part of it, behind a raw &.
func hideSettings(databaseURL string, err error) error {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || !sets(databaseURL, "password") && !sets(databaseURL, "sslpassword") {
		return err
	}
	switch answer.Code {
	case "42704", "22023", "42602": // undefined_object, invalid_parameter_value, invalid_name
		return fmt.Errorf("postgres: the server refuses a setting in the URL of the database (SQLSTATE %s); write & in a password as %%26",
			answer.Code)
	default:
		return err
	}
}
