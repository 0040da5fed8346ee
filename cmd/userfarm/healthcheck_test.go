package main

import (
	"strings"
	"testing"
)

// In a container, the farm is process 1, and its health check has the same environment.
func TestAHealthCheckAsksWhereTheFarmOfTheContainerServes(t *testing.T) {
	tests := []struct {
		name, cmdline string
		env           map[string]string
		check         healthcheck
		want          string
	}{
		{"nothing set", "/userfarm serve", nil, healthcheck{}, "http://127.0.0.1:8000/readyz"},
		{"all addresses, in the environment", "/userfarm serve", map[string]string{"USERFARM_LISTEN": "0.0.0.0:8000"}, healthcheck{},
			"http://127.0.0.1:8000/readyz"},
		{"all addresses of IPv6", "/userfarm serve", map[string]string{"USERFARM_LISTEN": "[::]:8443"}, healthcheck{},
			"http://127.0.0.1:8443/readyz"},
		{"a port alone", "/userfarm serve --listen :9000", nil, healthcheck{}, "http://127.0.0.1:9000/readyz"},
		{"a flag", "/userfarm serve --listen=0.0.0.0:9000", map[string]string{"USERFARM_LISTEN": "0.0.0.0:8000"}, healthcheck{},
			"http://127.0.0.1:9000/readyz"},
		{"an address of its own", "/userfarm serve --listen 10.1.2.3:9000", nil, healthcheck{}, "http://10.1.2.3:9000/readyz"},
		{"loopback of IPv6", "/userfarm serve --listen [::1]:9000", nil, healthcheck{}, "http://[::1]:9000/readyz"},
		{"TLS in flags", "/userfarm serve --listen :8443 --tls-cert c.pem --tls-key k.pem", nil, healthcheck{},
			"https://127.0.0.1:8443/readyz"},
		{"TLS in the environment", "/userfarm serve",
			map[string]string{"USERFARM_LISTEN": ":8443", "USERFARM_TLS_CERT": "c.pem", "USERFARM_TLS_KEY": "k.pem"}, healthcheck{},
			"https://127.0.0.1:8443/readyz"},
		{"a farm below an init", "/sbin/docker-init -- /userfarm serve --listen :9000", nil, healthcheck{}, "http://127.0.0.1:9000/readyz"},
		{"process 1 is no farm", "/sbin/init splash", map[string]string{"USERFARM_LISTEN": ":9000"}, healthcheck{},
			"http://127.0.0.1:9000/readyz"},
		{"process 1 is another server", "python app.py serve --help --listen :80", nil, healthcheck{}, "http://127.0.0.1:8000/readyz"},
		{"process 1 is hidden", "", nil, healthcheck{}, "http://127.0.0.1:8000/readyz"},
		{"flags of its own", "/userfarm serve --listen :9000", nil, healthcheck{Listen: "127.0.0.1:7000", TLSCert: "c.pem"},
			"https://127.0.0.1:7000/readyz"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			cmdline := strings.ReplaceAll(test.cmdline, " ", "\x00") + "\x00"
			if got, err := test.check.url([]byte(cmdline)); got != test.want || err != nil {
				t.Errorf("got %s (%v), want %s", got, err, test.want)
			}
		})
	}
}
