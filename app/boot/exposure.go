package boot

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
)

// exposure describes which machines can reach the farm, and what protects the farm.
type exposure struct {
	address  *net.TCPAddr
	insecure bool // the operator allows other machines to use a farm without API keys
	tls      bool
}

func newExposure(cfg HTTPConfig) (exposure, error) {
	address, err := net.ResolveTCPAddr("tcp", cfg.Listen)
	if err != nil {
		return exposure{}, fmt.Errorf("--listen: %w", err)
	}
	return exposure{address: address, insecure: cfg.Insecure, tls: cfg.TLSCert != ""}, nil
}

func (e exposure) loopback() bool { return e.address.IP.IsLoopback() }

// open reports whether a farm that never had an API key accepts requests without one.
func (e exposure) open() bool { return e.loopback() || e.insecure }

// check returns an error if other machines can reach a farm without API keys, unless the operator allows it. It logs what a caller
// without a key can see.
func (e exposure) check(hasKeys bool, log *slog.Logger) error {
	if hasKeys {
		e.warnWithKeys(log)
		return nil
	}
	switch {
	case e.loopback() && e.insecure:
		log.Warn("--insecure: the farm has no API key, and every program on this machine may use it and read every password; " +
			"so may any web page that is open in a browser on this machine")
	case e.loopback():
		log.Warn("the farm has no API key: every program on this machine may use it and read every password")
	case e.insecure:
		log.Warn("--insecure: the farm has no API key, and every machine that reaches its address may read every password")
	default:
		return errors.New("the farm has no API key, so it does not serve on " + e.address.String() +
			", where other machines could read every password: make a key with userfarm keys create --role admin --name NAME, " +
			"give one with --admin-key-file, or allow it with --insecure")
	}
	return nil
}

// warnWithKeys warns of settings that make no sense, or are a risk, for a farm with API keys.
func (e exposure) warnWithKeys(log *slog.Logger) {
	if e.insecure {
		log.Warn("--insecure has no effect: a farm that ever had an API key rejects requests without one. Remove the setting")
	}
	if !e.loopback() && !e.tls {
		log.Warn("API keys and passwords travel unencrypted, unless a proxy in front of the farm uses TLS: see --tls-cert")
	}
}
