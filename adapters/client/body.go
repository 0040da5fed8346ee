package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/userfarm/userfarm/domain"
)

// withBody returns the request that send sends with a body.
func withBody(
	body any, send func(ctx context.Context, contentType string, body io.Reader) (*http.Response, error),
) request {
	return func(ctx context.Context) (*http.Response, error) {
		encoded, err := encode(body)
		if err != nil {
			return nil, err
		}
		return send(ctx, jsonType, bytes.NewReader(encoded))
	}
}

// encode returns the JSON of a generated type. A text that is not UTF-8 is a [domain.InvalidError]: most encoders would replace
// parts of it, so that a password would become another one.
func encode(body any) ([]byte, error) {
	// The generated tags omitempty mean what they meant in version 1: no pointer, not an empty text behind it.
	encoded, err := json.Marshal(body, jsonv1.OmitEmptyWithLegacySemantics(true))
	if bad, ok := errors.AsType[*json.SemanticError](err); ok {
		return nil, domain.Invalid(string(bad.JSONPointer), "must be valid UTF-8")
	}
	if bad, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return nil, domain.Invalid(string(bad.JSONPointer), "must be valid UTF-8")
	}
	return encoded, err
}

// maxSeconds is the longest time in seconds on the wire.
const maxSeconds = math.MaxInt32

// seconds returns a time in whole seconds, rounded up, so that no lease and no wait is shorter than the caller asked for. The farm
// rejects negative times and those that are too long.
func seconds(d time.Duration) int32 {
	whole := math.Ceil(d.Seconds())
	if d < 0 {
		whole = math.Floor(d.Seconds())
	}
	return int32(max(min(whole, maxSeconds), -maxSeconds))
}
