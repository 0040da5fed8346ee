package main

import (
	"errors"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// The exit codes of userfarm run, as in sysexits.h where they fit. Other commands end with 1, or with 2 after bad usage.
const (
	exitUsage       = 64
	exitNoMatch     = 65
	exitUnreachable = 69
	exitNoneFree    = 75
	exitLost        = 76
	exitRefused     = 77

	exitNotExecutable = 126 // as in shells
	exitNotFound      = 127
)

// exitError is an error that ends the program with a code of its own.
type exitError struct {
	code  int
	err   error // nil if the user knows already
	ctrlC bool  // has ended the command, or the wait for users
}

// Error returns the text of the error, which may be empty.
func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

// Unwrap returns the error.
func (e *exitError) Unwrap() error { return e.err }

// codeOf returns the exit code for an error.
func codeOf(err error) int {
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit.code
	}
	return 1
}

// badUsage returns the error of a command line that can't be meant.
func badUsage(args []string, err error) error {
	if len(args) > 0 && args[0] == "run" {
		return &exitError{code: exitUsage, err: err}
	}
	return &exitError{code: 2, err: err}
}

// refusals has the exit codes of userfarm run without a lease. The first row that fits counts.
var refusals = []struct {
	err  error
	code int
}{
	{domain.ErrInvalid, exitUsage},
	{domain.ErrUnauthorized, exitRefused},
	{domain.ErrForbidden, exitRefused},
	{domain.ErrNoMatch, exitNoMatch},
	{errUnknownProject, exitNoMatch},
	{domain.ErrUserNotFound, exitNoMatch},
	{domain.ErrPoolExhausted, exitNoneFree},
	{domain.ErrUserLocked, exitNoneFree},
	{domain.ErrUserQuarantined, exitNoneFree},
	{ports.ErrUnavailable, exitUnreachable},
}

// refused returns the error of an acquire with its exit code.
func refused(err error) error {
	for _, row := range refusals {
		if errors.Is(err, row.err) {
			return &exitError{code: row.code, err: err}
		}
	}
	if _, answered := errors.AsType[*client.Error](err); answered { // by something that is not a farm, or that has failed
		return &exitError{code: exitUnreachable, err: err}
	}
	return err
}
