package http

import (
	"maps"
	"slices"
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

// parseFilter reads the query of GET /v1/users. It returns a [domain.InvalidError] that names every parameter that is
// unknown, repeated or wrong: one that was passed over would list more than what was asked for.
func parseFilter(rawQuery string) (ports.Query, error) {
	values, err := parseQuery(rawQuery)
	if err != nil {
		return ports.Query{}, err
	}
	q := ports.Query{Limit: defaultLimit}
	var wrong []domain.FieldError
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if rule := applyFilter(&q, name, values[name]); rule != "" {
			wrong = append(wrong, domain.FieldError{Pointer: parameterPointer(name), Detail: rule})
		}
	}
	if len(wrong) > 0 {
		return ports.Query{}, &domain.InvalidError{Fields: wrong}
	}
	return q, nil
}

// applyFilter sets what the values of a parameter ask for. It returns the rule that they break, if they do.
func applyFilter(q *ports.Query, name string, values []string) (rule string) {
	if name == "label" {
		return filterLabels(q, values)
	}
	filter, known := filters[name]
	switch {
	case !known:
		return unknownParameter
	case len(values) > 1:
		return "must be given only once"
	default:
		return filter(q, values[0])
	}
}

// filters are the parameters that are given once. Each returns the rule that the value breaks, if it does.
var filters = map[string]func(q *ports.Query, value string) (rule string){
	"project_id": func(q *ports.Query, value string) string { return filterParsed(&q.ProjectID, value, parseID, idRule) },
	"env":        func(q *ports.Query, value string) string { return filterText(&q.Env, value) },
	"domain":     func(q *ports.Query, value string) string { return filterText(&q.Domain, value) },
	"login":      func(q *ports.Query, value string) string { return filterText(&q.Login, value) },
	"status": func(q *ports.Query, value string) string {
		return filterParsed(&q.Status, value, parseStatus, "must be free, locked or quarantined")
	},
	"limit": func(q *ports.Query, value string) string {
		return filterParsed(&q.Limit, value, parseLimit, "must be from 1 to "+strconv.Itoa(maxLimit))
	},
	"cursor": func(q *ports.Query, value string) string {
		return filterParsed(&q.After, value, parseCursor, "must be the next_cursor of another page")
	},
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
