package main

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

// tellUnanswered is how long a farm may be silent before people are told that the client tries again.
const tellUnanswered = 2 * time.Second

// unanswered sends requests, and tells a person at a terminal if the farm does not answer: the client tries again for half a minute.
type unanswered struct {
	http.RoundTripper

	farm string

	mu    sync.Mutex
	timer *time.Timer                      // of what to tell; nil if the farm has answered
	tell  func(format string, args ...any) // a line; nil if nothing is to be told
}

// RoundTrip implements [http.RoundTripper].
func (u *unanswered) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := u.RoundTripper.RoundTrip(request)
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case err == nil:
		u.stop()
	case u.timer == nil && widthOf(os.Stderr) > 0:
		u.timer = time.AfterFunc(tellUnanswered, u.late)
	}
	return response, err
}

// late tells that the farm does not answer, unless it just did.
func (u *unanswered) late() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.timer != nil && u.tell != nil {
		u.tell("userfarm: %s does not answer; trying again", u.farm)
	}
}

// tellBy makes it tell lines in another way from now on: what else writes to the terminal would overwrite them. nil is for a terminal
// that is another program's.
func (u *unanswered) tellBy(tell func(format string, args ...any)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.tell = tell
}

// tellTerminal writes a line in place of a notice that may be there.
func tellTerminal(format string, args ...any) {
	fmt.Fprintf(os.Stderr, eraseLine+format+"\n", args...)
}

// stop ends what was to be told. The caller holds the mutex.
func (u *unanswered) stop() {
	if u.timer != nil {
		u.timer.Stop()
		u.timer = nil
	}
}
