package bunstore

import "errors"

// testDialect is the dialect of a database whose errors have a SQLSTATE.
func testDialect() Dialect {
	return Dialect{Name: "postgres", Cause: func(err error) Cause {
		answer, ok := errors.AsType[postgresError](err)
		switch {
		case !ok:
			return Disconnected
		case answer.state == "57P01":
			return Disconnected
		case answer.state == "40P01":
			return Conflict
		case answer.state == "53100":
			return Full
		case answer.state[:2] == "22":
			return Bug
		default:
			return Away
		}
	}}
}

// postgresError is an error of PostgreSQL as its driver returns it.
type postgresError struct{ state, message string }

func (e postgresError) Error() string { return e.message + " (SQLSTATE " + e.state + ")" }

func (e postgresError) SQLState() string { return e.state }

// sqliteError is an error of SQLite as its driver returns it.
type sqliteError struct {
	code    int
	message string
}

func (e sqliteError) Error() string { return e.message }

func (e sqliteError) Code() int { return e.code }
