package postgrestest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// readyTimeout bounds how long a server may take to start, including recovery from a crash.
const readyTimeout = time.Minute

// postmaster is the main process of a running server.
type postmaster struct {
	process *exec.Cmd
	exited  chan struct{} // closed once the server has ended
}

// run starts the server in folder/data and returns when it accepts connections.
func run(p programs, folder string) (*postmaster, error) {
	log, err := os.OpenFile(filepath.Join(folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	data := filepath.Join(folder, "data")
	process := p.command(folder, filepath.Join(p.folder, "postgres"), "-D", data)
	process.Stdout, process.Stderr = log, log
	if err := process.Start(); err != nil {
		return nil, p.explain(err)
	}
	server := &postmaster{process: process, exited: make(chan struct{})}
	go func() {
		_ = process.Wait()
		close(server.exited)
	}()
	return server, server.awaitReady(filepath.Join(data, "postmaster.pid"))
}

// awaitReady waits until the server's lock file says that it is ready. pg_ctl does the same.
func (s *postmaster) awaitReady(lockFile string) error {
	deadline := time.After(readyTimeout)
	for {
		content, _ := os.ReadFile(lockFile) // missing or half written: not ready yet
		if lines := bytes.Split(content, []byte("\n")); len(lines) >= 8 && bytes.HasPrefix(lines[7], []byte("ready")) {
			return nil
		}
		select {
		case <-s.exited:
			return errors.New("the server ended while it started")
		case <-deadline:
			s.end(syscall.SIGQUIT)
			return errors.New("the server was not ready in time")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// end sends the signal and waits until the server has ended: SIGINT closes the connections first, SIGQUIT ends the server at once.
func (s *postmaster) end(signal syscall.Signal) {
	_ = s.process.Process.Signal(signal) // it may have ended already
	<-s.exited
}
