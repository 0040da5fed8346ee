package http

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
)

var limitRule = "must be from 1 to " + strconv.Itoa(maxLimit)

// parseFilter reads the query of GET /v1/users.
func parseFilter(rawQuery string) (ports.Query, error) {
	q := ports.Query{Limit: defaultLimit}
	if err := filters.read(rawQuery, &q); err != nil {
		return ports.Query{}, err
	}
	return q, nil
}

// filters are the parameters of GET /v1/users.
var filters = parameters[ports.Query]{
	"project_id": once(func(q *ports.Query, value string) string {
		return filterParsed(&q.ProjectID, value, parseID, idRule)
	}),
	"env":    once(func(q *ports.Query, value string) string { return filterText(&q.Env, value) }),
	"domain": once(func(q *ports.Query, value string) string { return filterText(&q.Domain, value) }),
	"login":  once(func(q *ports.Query, value string) string { return filterText(&q.Login, value) }),
	"label":  filterLabels,
	"status": once(func(q *ports.Query, value string) string {
		return filterParsed(&q.Status, value, parseStatus, "must be free, locked or quarantined")
	}),
	"limit": once(func(q *ports.Query, value string) string {
		return filterParsed(&q.Limit, value, parseLimit, limitRule)
	}),
	"cursor": once(func(q *ports.Query, value string) string {
		return filterParsed(&q.After, value, parseCursor, cursorRule)
	}),
}

func filterParsed[T any](to *T, value string, parse func(string) (T, bool), rule string) string {
	parsed, ok := parse(value)
	if !ok {
		return rule
	}
	*to = parsed
	return ""
}

func filterText(to *string, value string) string {
	if value == "" {
		return "must not be empty"
	}
	*to = value
	return textRule(value)
}

func filterLabels(q *ports.Query, values []string) string {
	q.Labels = domain.Labels{}
	for _, label := range values {
		key, value, ok := strings.Cut(label, ":")
		if !ok || key == "" {
			return "must be a key and a value with a colon between them"
		}
		if before, again := q.Labels[key]; again && before != value {
			return "must not want two values of one key"
		}
		if rule := textRule(label); rule != "" {
			return rule
		}
		q.Labels[key] = value
	}
	return ""
}

// textRule refuses what no user can have, and no store should be asked for.
func textRule(text string) string {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return "must be UTF-8 without control characters"
	}
	return ""
}

func parseStatus(text string) (domain.Status, bool) {
	return domain.Status(text), Status(text).Valid()
}

func parseLimit(text string) (int, bool) {
	limit, err := strconv.Atoi(text)
	return limit, err == nil && limit >= 1 && limit <= maxLimit
}
