package api_test

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
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
		if got, err := json.Marshal(api.Locktime(test.time)); err != nil || string(got) != test.want {
			t.Errorf("got %s and the error %v, want %s", got, err, test.want)
		}
	}
}
