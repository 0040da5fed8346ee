package boot

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestTheAddressDecidesWhetherAFarmStarts(t *testing.T) {
	const (
		anyone      = "the farm has no API key: every program on this machine may use it"
		insecure    = "--insecure: the farm has no API key, and every machine that reaches its address may read every password"
		pages       = "so may any web page that is open in a browser on this machine"
		needless    = "--insecure has no effect: a farm that ever had an API key rejects requests without one"
		unencrypted = "travel unencrypted"
	)
	for name, test := range map[string]struct {
		cfg     HTTPConfig
		hasKeys bool
		open    bool
		refuses bool
		warns   []string
	}{
		"this machine, no key":           {cfg: HTTPConfig{Listen: "127.0.0.1:0"}, open: true, warns: []string{anyone}},
		"this machine, IPv6, no key":     {cfg: HTTPConfig{Listen: "[::1]:0"}, open: true, warns: []string{anyone}},
		"this machine by name, no key":   {cfg: HTTPConfig{Listen: "localhost:0"}, open: true, warns: []string{anyone}},
		"this machine, insecure, no key": {cfg: HTTPConfig{Listen: "127.0.0.1:0", Insecure: true}, open: true, warns: []string{pages}},
		"this machine, a key":            {cfg: HTTPConfig{Listen: "127.0.0.1:0"}, hasKeys: true, open: true},
		"this machine, insecure, a key": {
			cfg: HTTPConfig{Listen: "127.0.0.1:0", Insecure: true}, hasKeys: true, open: true, warns: []string{needless},
		},
		"every address, no key":            {cfg: HTTPConfig{Listen: "0.0.0.0:0"}, refuses: true},
		"every address by default, no key": {cfg: HTTPConfig{Listen: ":8000"}, refuses: true},
		"every address, IPv6, no key":      {cfg: HTTPConfig{Listen: "[::]:0"}, refuses: true},
		"a network, no key":                {cfg: HTTPConfig{Listen: "192.0.2.1:0"}, refuses: true},
		"every address, TLS, no key":       {cfg: HTTPConfig{Listen: "0.0.0.0:0", TLSCert: "cert"}, refuses: true},
		"every address, insecure, no key":  {cfg: HTTPConfig{Listen: "0.0.0.0:0", Insecure: true}, open: true, warns: []string{insecure}},
		"every address, a key":             {cfg: HTTPConfig{Listen: "0.0.0.0:0"}, hasKeys: true, warns: []string{unencrypted}},
		"every address, insecure, a key": {
			cfg: HTTPConfig{Listen: "0.0.0.0:0", Insecure: true}, hasKeys: true, open: true, warns: []string{needless, unencrypted},
		},
		"every address, TLS, a key": {cfg: HTTPConfig{Listen: "0.0.0.0:0", TLSCert: "cert"}, hasKeys: true},
		"every address, TLS, insecure, a key": {
			cfg: HTTPConfig{Listen: "0.0.0.0:0", TLSCert: "cert", Insecure: true}, hasKeys: true, open: true, warns: []string{needless},
		},
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
				t.Errorf("check = %v, want an error: %v", err, test.refuses)
			}
			for _, way := range []string{"userfarm keys create --role admin", "--admin-key-file", "--insecure"} {
				if err != nil && !strings.Contains(err.Error(), way) {
					t.Errorf("%v does not mention %s", err, way)
				}
			}
			if lines := slices.Collect(strings.Lines(logged.String())); !slices.EqualFunc(lines, test.warns, isWarning) {
				t.Errorf("want the warnings %q, got:\n%s", test.warns, &logged)
			}
		})
	}
}

func isWarning(line, of string) bool {
	return strings.Contains(line, "level=WARN") && strings.Contains(line, of)
}

func TestAnInvalidAddressIsRejected(t *testing.T) {
	for _, listen := range []string{"here", "127.0.0.1", "127.0.0.1:http:80", "127.0.0.1:99999"} {
		if exposed, err := newExposure(HTTPConfig{Listen: listen}); err == nil || !strings.Contains(err.Error(), "--listen") {
			t.Errorf("%q = %v, %v, want an error that names --listen", listen, exposed.address, err)
		}
	}
}
