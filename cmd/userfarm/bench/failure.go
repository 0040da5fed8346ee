package bench

import (
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/valyala/fasthttp"
)

// Kinds of failure, beside the codes of the farm's problems. An answer that is an error but no problem, from a proxy
// say, is of the kind http_<status>.
const (
	kindConnect    = "connect"           // there was no connection, so nothing was sent
	kindTimeout    = "timeout"           // there was no answer in time; the farm may have done what was asked
	kindLost       = "connection_lost"   // the connection broke before the answer; the same goes
	kindUnexpected = "unexpected_answer" // a success, but not what was asked for
)

// The problems that are no surprise.
const (
	codePoolExhausted = "pool_exhausted"
	codeUserLocked    = "user_locked"
	codeUserNotFound  = "user_not_found"
)

// failure is a request that did not get what it asked for. Its text has neither the request's path nor the answer, for
// both may hold a lease id.
type failure struct {
	kind   string
	status int // of an answer that is an error; 0 if there is none
	text   string
}

func (f *failure) Error() string { return f.text }

func kindOf(err error) string {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.kind
	}
	return ""
}

// mayHaveHappened tells whether the farm may have done what the request asked for, although it failed.
func mayHaveHappened(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.kind != kindConnect && (f.status == 0 || f.status >= 500)
}

// timeout is what errors of net and of the client have in common.
type timeout interface {
	error
	Timeout() bool
}

// unanswered returns the failure of a request for which the client has an error and no answer.
func unanswered(err error) *failure {
	kind := kindLost
	if broken, ok := errors.AsType[*net.OpError](err); errors.Is(err, fasthttp.ErrDialTimeout) || ok && broken.Op == "dial" {
		kind = kindConnect
	} else if slow, ok := errors.AsType[timeout](err); ok && slow.Timeout() {
		kind = kindTimeout
	}
	return &failure{kind: kind, text: err.Error()}
}

// unwanted returns the failure of a request that was answered with another status than the one that means success.
func unwanted(answer *fasthttp.Response) *failure {
	status := answer.StatusCode()
	if status < 300 {
		return unexpected(fmt.Sprintf("the status is %d", status))
	}
	var problem struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
		Errors []struct {
			Pointer string `json:"pointer"`
			Detail  string `json:"detail"`
		} `json:"errors"`
	}
	if json.Unmarshal(answer.Body(), &problem) != nil || problem.Code == "" {
		text := fmt.Sprintf("%d %s, and no problem that a farm would answer", status, http.StatusText(status))
		return &failure{kind: fmt.Sprintf("http_%d", status), status: status, text: text}
	}
	text := fmt.Sprintf("%d %s: %s", status, problem.Code, problem.Detail)
	for _, field := range problem.Errors {
		text += fmt.Sprintf(" %s: %s.", field.Pointer, field.Detail)
	}
	return &failure{kind: problem.Code, status: status, text: text}
}

func unexpected(why string) *failure {
	return &failure{kind: kindUnexpected, text: "the answer is not a farm's: " + why}
}
