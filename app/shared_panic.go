package app

import (
	"errors"
	"fmt"
)

// sharedPanic is the error of work that several callers share, and that panicked. In the goroutine of the work, a panic would end the
// process. So each of the callers panics with its value instead.
type sharedPanic struct{ value any }

func (p *sharedPanic) Error() string { return fmt.Sprint("panic: ", p.value) }

// catchPanic makes a panic the error of a function that defers it.
func catchPanic(err *error) {
	if value := recover(); value != nil {
		*err = &sharedPanic{value}
	}
}

// panicAgain panics if err is of work that panicked.
func panicAgain(err error) {
	if panicked, ok := errors.AsType[*sharedPanic](err); ok {
		panic(panicked.value)
	}
}
