package boot

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
)

// exposure is who can reach the farm, and what protects it from them.
type exposure struct {
	address  *net.TCPAddr
	insecure bool // the operator allows others to use a farm without API keys
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

// open reports whether a farm that never had an API key may be entered without one.
func (e exposure) open() bool { return e.loopback() || e.insecure }

// check refuses to serve others on a farm without API keys, unless the operator allows it, and warns of what they could see.
func (e exposure) check(hasKeys bool, log *slog.Logger) error {
	if hasKeys {
		e.warnWithKeys(log)
		return nil
	}
	switch {
	case e.loopback() && e.insecure:
		log.Warn("--insecure: the farm has no API key, and every program on this machine may use it and read every password; " +
			"so may pages of any site that are open in a browser on this machine")
	case e.loopback():
		log.Warn("the farm has no API key: every program on this machine may use it and read every password")
	case e.insecure:
		log.Warn("--insecure: the farm has no API key, and whoever reaches its address may read every password")
	default:
		return errors.New("the farm has no API key, so it does not serve on " + e.address.String() +
			", where others could read every password: make a key with userfarm keys create --role admin --name NAME, " +
			"give one with --admin-key-file, or allow it with --insecure")
	}
	return nil
}

// warnWithKeys warns of settings that don't suit a farm with API keys.
func (e exposure) warnWithKeys(log *slog.Logger) {
	if e.insecure {
		log.Warn("--insecure opens nothing here: a farm that ever had an API key is not entered without one. Leave it out")
	}
	if !e.loopback() && !e.tls {
		log.Warn("API keys and passwords travel unencrypted, unless something in front of the farm speaks TLS: see --tls-cert")
	}
}
