package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/userfarm/userfarm/app/boot"
)

// healthcheckTimeout is longer than the farm takes to detect that its store is unavailable.
const healthcheckTimeout = 4 * time.Second

// healthcheck is for container images without curl.
type healthcheck struct {
	Listen  string `help:"Address that the farm serves on. By default, that of the farm that runs as process 1, as in a container, or else of a farm with the environment of this command." placeholder:"HOST:PORT"`
	TLSCert string `name:"tls-cert" help:"File with the farm's TLS certificate, if it serves with TLS. The default is found like that of --listen." placeholder:"FILE"`
}

func (h *healthcheck) Run(ctx context.Context) error {
	cmdline, _ := os.ReadFile("/proc/1/cmdline") // missing on other systems than Linux
	url, err := h.url(cmdline)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := healthcheckClient().Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", response.Status)
	}
	return nil
}

// url returns the URL to ask, given the command line of process 1.
func (h *healthcheck) url(cmdline []byte) (string, error) {
	farm, err := servedBy(cmdline)
	if err != nil {
		return "", err
	}
	host, port, err := net.SplitHostPort(cmp.Or(h.Listen, farm.Listen))
	if err != nil {
		return "", fmt.Errorf("--listen: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1" // an image without /etc/hosts has no localhost
	}
	scheme := "http"
	if cmp.Or(h.TLSCert, farm.TLSCert) != "" {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port) + "/readyz", nil
}

// servedBy returns how the farm with the command line serves. If it is not the command line of a farm, it returns how a farm without
// flags serves.
func servedBy(cmdline []byte) (boot.HTTPConfig, error) {
	args := strings.Split(strings.TrimSuffix(string(cmdline), "\x00"), "\x00")
	if i := slices.Index(args, "serve"); i > 0 && filepath.Base(args[i-1]) == "userfarm" {
		if farm, err := parse(args[i:]); err == nil {
			return farm.(*serve).HTTPConfig, nil
		}
	}
	farm, err := parse([]string{"serve"})
	if err != nil {
		return boot.HTTPConfig{}, err
	}
	return farm.(*serve).HTTPConfig, nil
}

// healthcheckClient accepts any certificate: the farm's certificate is for another name than the loopback address, it may have been
// replaced a moment ago, and the request contains no secret. A program that can answer here in place of the farm already controls the
// machine.
func healthcheckClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
	}}
}
