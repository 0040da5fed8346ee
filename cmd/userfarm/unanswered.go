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
	timer *time.Timer // of what to tell; nil if the farm has answered
	quiet bool
}

// RoundTrip implements [http.RoundTripper].
func (u *unanswered) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := u.RoundTripper.RoundTrip(request)
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case err == nil:
		u.stop()
	case u.timer == nil && !u.quiet && widthOf(os.Stderr) > 0:
		u.timer = time.AfterFunc(tellUnanswered, func() {
			fmt.Fprintf(os.Stderr, "%suserfarm: %s does not answer; trying again\n", eraseLine, u.farm)
		})
	}
	return response, err
}

// hush makes it tell nothing from now on: the terminal is another program's.
func (u *unanswered) hush() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stop()
	u.quiet = true
}

// stop ends what was to be told. The caller holds the mutex.
func (u *unanswered) stop() {
	if u.timer != nil {
		u.timer.Stop()
		u.timer = nil
	}
}
