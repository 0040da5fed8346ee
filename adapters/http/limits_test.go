package http_test

import (
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
)

func TestTheDefaultLimitsAreValid(t *testing.T) {
	if err := http.DefaultLimits().Validate(); err != nil {
		t.Error(err)
	}
}

func TestAnInvalidLimitIsNamed(t *testing.T) {
	tests := []struct {
		name   string
		change func(*http.Limits)
		want   string
	}{
		{"rate", func(l *http.Limits) { l.Rate = -1 }, "the limit of requests a second must be 0, for none, or more; it is -1"},
		{"waiting", func(l *http.Limits) { l.Waiting = 0 }, "the limit of requests that wait must be at least 1; it is 0"},
		{"no connections", func(l *http.Limits) { l.Connections = 0 }, "the limit of connections must be from 1 to 100000; it is 0"},
		{"connections", func(l *http.Limits) { l.Connections = 100_001 }, "the limit of connections must be from 1 to 100000; it is 100001"},
		{"reading", func(l *http.Limits) { l.ReadTimeout = 0 }, "the read timeout must be more than 0; it is 0s"},
		{"writing", func(l *http.Limits) { l.WriteTimeout = -time.Second }, "the write timeout must be more than 0; it is -1s"},
		{"idling", func(l *http.Limits) { l.IdleTimeout = 0 }, "the idle timeout must be more than 0; it is 0s"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			limits := http.DefaultLimits()
			test.change(&limits)
			if err := limits.Validate(); err == nil || err.Error() != "http: "+test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestEveryInvalidLimitIsNamed(t *testing.T) {
	if n := strings.Count((http.Limits{Rate: -1}).Validate().Error(), "\n") + 1; n != 6 {
		t.Errorf("got %d errors, want 6", n)
	}
}
