package boot

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestWhoMayReachAFarmDecidesWhetherItStarts(t *testing.T) {
	const (
		anyone      = "the farm has no API key: every program on this machine may use it"
		insecure    = "--insecure: the farm has no API key"
		unencrypted = "travel unencrypted"
	)
	for name, test := range map[string]struct {
		cfg     HTTPConfig
		hasKeys bool
		open    bool
		refuses bool
		warns   string
	}{
		"this machine, no key":           {cfg: HTTPConfig{Listen: "127.0.0.1:0"}, open: true, warns: anyone},
		"this machine, IPv6, no key":     {cfg: HTTPConfig{Listen: "[::1]:0"}, open: true, warns: anyone},
		"this machine by name, no key":   {cfg: HTTPConfig{Listen: "localhost:0"}, open: true, warns: anyone},
		"this machine, insecure, no key": {cfg: HTTPConfig{Listen: "127.0.0.1:0", Insecure: true}, open: true, warns: anyone},
		"this machine, a key":            {cfg: HTTPConfig{Listen: "127.0.0.1:0"}, hasKeys: true, open: true},
		"everybody, no key":              {cfg: HTTPConfig{Listen: "0.0.0.0:0"}, refuses: true},
		"everybody by default, no key":   {cfg: HTTPConfig{Listen: ":8000"}, refuses: true},
		"everybody, IPv6, no key":        {cfg: HTTPConfig{Listen: "[::]:0"}, refuses: true},
		"a network, no key":              {cfg: HTTPConfig{Listen: "192.0.2.1:0"}, refuses: true},
		"everybody, TLS, no key":         {cfg: HTTPConfig{Listen: "0.0.0.0:0", TLSCert: "cert"}, refuses: true},
		"everybody, insecure, no key":    {cfg: HTTPConfig{Listen: "0.0.0.0:0", Insecure: true}, open: true, warns: insecure},
		"everybody, a key":               {cfg: HTTPConfig{Listen: "0.0.0.0:0"}, hasKeys: true, warns: unencrypted},
		"everybody, insecure, a key": {
			cfg: HTTPConfig{Listen: "0.0.0.0:0", Insecure: true}, hasKeys: true, open: true, warns: unencrypted,
		},
		"everybody, TLS, a key": {cfg: HTTPConfig{Listen: "0.0.0.0:0", TLSCert: "cert"}, hasKeys: true},
	} {
		t.Run(name, func(t *testing.T) {
			exposed, err := newExposure(test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if exposed.open() != test.open {
				t.Errorf("open = %v, want %v", exposed.open(), test.open)
			}
			var logged bytes.Buffer
			err = exposed.check(test.hasKeys, slog.New(slog.NewTextHandler(&logged, nil)))
			if (err != nil) != test.refuses {
				t.Errorf("check = %v, want a refusal: %v", err, test.refuses)
			}
			for _, way := range []string{"userfarm keys create --role admin", "--admin-key-file", "--insecure"} {
				if err != nil && !strings.Contains(err.Error(), way) {
					t.Errorf("%v does not mention %s", err, way)
				}
			}
			if lines := strings.Count(logged.String(), "\n"); test.warns == "" && lines > 0 || test.warns != "" && lines != 1 ||
				!strings.Contains(logged.String(), test.warns) {
				t.Errorf("want one warning %q, or none, got:\n%s", test.warns, &logged)
			}
		})
	}
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	for _, listen := range []string{"here", "127.0.0.1", "127.0.0.1:http:80", "127.0.0.1:99999"} {
		if exposed, err := newExposure(HTTPConfig{Listen: listen}); err == nil || !strings.Contains(err.Error(), "--listen") {
			t.Errorf("%q = %v, %v, want an error that names --listen", listen, exposed.address, err)
		}
	}
}
