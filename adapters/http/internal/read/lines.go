package read

import (
	"bytes"
	"errors"
	"fmt"
	"iter"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
)

const (
	linesType = "application/x-ndjson"
	maxLines  = 10_000
)

// Lines yields the JSON lines of a body that are not empty. Each is to be read with [Line].
func Lines(c *fiber.Ctx) (iter.Seq[[]byte], error) {
	body := c.Request().Body()
	if err := checkType(c, linesType); err != nil {
		if errors.Is(err, problem.ErrUnsupportedMediaType) {
			return nil, problem.Explain(err, "Send JSON lines, uncompressed, with the header Content-Type: %s.", linesType)
		}
		return nil, err
	}
	lines := func(yield func([]byte) bool) {
		for line := range bytes.Lines(body) {
			if line = bytes.TrimSpace(line); len(line) > 0 && !yield(line) {
				return
			}
		}
	}
	n := 0
	for range lines {
		n++
	}
	if n == 0 {
		return nil, problem.Explain(problem.ErrMalformed, "The body is empty. Send a JSON object on each line.")
	}
	if n > maxLines {
		return nil, domain.Invalid("", fmt.Sprintf("must have at most %d lines: send the rest in another part", maxLines))
	}
	return lines, nil
}

// Line reads a JSON object into dst like [Body], and returns the members that can't be read. They stay zero in dst.
func Line(line []byte, dst any) []domain.FieldError {
	err := decode(line, dst)
	if invalid, ok := errors.AsType[*domain.InvalidError](err); ok {
		return invalid.Fields
	}
	if err != nil {
		return []domain.FieldError{{Pointer: "", Detail: "must be a JSON object without a member twice, in one line"}}
	}
	return nil
}
