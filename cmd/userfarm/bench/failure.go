package bench

import (
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/valyala/fasthttp"
)

// Kinds of failure, in addition to the codes of the farm's problems. An error answer that is not a problem, for example from a
// proxy, has the kind http_<status>.
const (
	kindConnect    = "connect"           // no connection, so no request was sent
	kindTimeout    = "timeout"           // no answer in time; the farm may have carried out the request
	kindLost       = "connection_lost"   // the connection broke before the answer; the farm may have carried out the request
	kindUnexpected = "unexpected_answer" // a success, but not the requested one

	kindNotHandedOver = "not_handed_over" // no waiter got a user that was released
)

// Codes of problems that the bench expects.
const (
	codePoolExhausted = "pool_exhausted"
	codeUserLocked    = "user_locked"
	codeUserNotFound  = "user_not_found"
)

// failure is the error of a request that did not succeed. Its text contains neither the path nor the answer, because both may contain
// a lease id.
type failure struct {
	kind   string
	status int // of an error answer; 0 if there is none
	text   string
}

func (f *failure) Error() string { return f.text }

func kindOf(err error) string {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.kind
	}
	return ""
}

// mayHaveHappened reports whether the farm may have carried out the request although it failed.
func mayHaveHappened(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.kind != kindConnect && (f.status == 0 || f.status >= 500)
}

// timeout is the interface that the errors of package net and of the client share.
type timeout interface {
	error
	Timeout() bool
}

// unanswered returns the failure of a request that ended with an error of the client, without an answer.
func unanswered(err error) *failure {
	kind := kindLost
	if broken, ok := errors.AsType[*net.OpError](err); errors.Is(err, fasthttp.ErrDialTimeout) || ok && broken.Op == "dial" {
		kind = kindConnect
	} else if slow, ok := errors.AsType[timeout](err); ok && slow.Timeout() {
		kind = kindTimeout
	}
	return &failure{kind: kind, text: err.Error()}
}

// unwanted returns the failure of a request whose answer has another status than the expected one.
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
		text := fmt.Sprintf("%d %s, without a problem as a farm sends it", status, http.StatusText(status))
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
