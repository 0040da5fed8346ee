//go:build stress

package main_test

import (
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

// replica is a process of the farm that can be killed and started again at the same address.
type replica struct {
	env     []string
	address string
	process *exec.Cmd
}

func startReplica(t *testing.T, store, keyFile string) *replica {
	t.Helper()
	r := &replica{address: freeAddress(t)}
	r.env = append(os.Environ(),
		"USERFARM_STORE="+store, "USERFARM_ENCRYPTION_KEY_FILE="+keyFile, "USERFARM_LISTEN="+r.address, "USERFARM_LOG_LEVEL=error")
	r.start(t)
	t.Cleanup(r.kill)
	return r
}

// start starts the process and waits until it is ready.
func (r *replica) start(t *testing.T) {
	t.Helper()
	r.process = exec.Command(binary, "serve")
	r.process.Env = r.env
	r.process.Stderr = os.Stderr
	if err := r.process.Start(); err != nil {
		t.Errorf("start replica: %v", err)
		return
	}
	for range 1000 {
		if response, err := http.Get("http://" + r.address + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("replica on %s did not become ready", r.address)
}

func (r *replica) kill() {
	_ = r.process.Process.Kill()
	_ = r.process.Wait()
}
