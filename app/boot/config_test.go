package boot

import (
	"testing"

	"github.com/alecthomas/kong"

	"github.com/userfarm/userfarm/adapters/http"
)

func TestTheDefaultLimitsAreThoseOfTheServer(t *testing.T) {
	var cfg LimitsConfig
	parser, err := kong.New(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(nil); err != nil {
		t.Fatal(err)
	}
	if got, want := cfg.limits(), http.DefaultLimits(); got != want {
		t.Errorf("limits = %+v, want %+v", got, want)
	}
}
