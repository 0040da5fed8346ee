package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"
)

// healthcheckTimeout is longer than the farm takes to detect that its store is unavailable.
const healthcheckTimeout = 4 * time.Second

// healthcheck is for container images without curl.
type healthcheck struct {
	Listen  string `help:"Address that the farm serves on." default:"127.0.0.1:8000" placeholder:"HOST:PORT" env:"USERFARM_LISTEN"`
	TLSCert string `name:"tls-cert" help:"File with the farm's TLS certificate, if it serves with TLS." placeholder:"FILE" env:"USERFARM_TLS_CERT"`
}

func (h *healthcheck) Run(ctx context.Context) error {
	host, port, err := net.SplitHostPort(h.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.scheme()+"://"+net.JoinHostPort(host, port)+"/readyz", nil)
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

func (h *healthcheck) scheme() string {
	if h.TLSCert == "" {
		return "http"
	}
	return "https"
}

// healthcheckClient accepts any certificate: the farm's certificate is for another name than localhost, it may have been replaced a
// moment ago, and the request contains no secret. A program that can answer here in place of the farm already controls the machine.
func healthcheckClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
	}}
}
