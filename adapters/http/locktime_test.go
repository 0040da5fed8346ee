package http_test

import (
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
)

func TestLocktimeAlwaysHasAFraction(t *testing.T) {
	tests := []struct {
		time time.Time
		want string
	}{
		{time.Time{}, "0.0"},
		{time.Unix(1795426200, 0), "1795426200.000000"},
		{time.Unix(1795426200, 1000), "1795426200.000001"},
		{time.Unix(1795426200, 123456789), "1795426200.123456"},
		{time.Unix(1795426200, 999999999), "1795426200.999999"},
	}
	for _, test := range tests {
		if got := encode(t, http.Locktime(test.time)); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
