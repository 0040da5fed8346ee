package postgrestest

import (
	"fmt"
	"io"
	"os/exec"
)

// keeper is a process that waits until this process ends, in whatever way (a panic, a timeout, kill -9), and then stops the
// server and removes its files. The operating system closes the keeper's standard input when this process ends.
type keeper struct {
	process *exec.Cmd
	alive   io.Closer
}

const keeperScript = `cat >/dev/null
pg_ctl stop -D "$1/data" -m immediate
cd / && rm -rf "$1"`

func keep(p programs, folder string) (*keeper, error) {
	process := p.command(folder, "/bin/sh", "-c", keeperScript, "keeper", folder)
	alive, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("keeper: %w", p.explain(err))
	}
	return &keeper{process: process, alive: alive}, nil
}

// end tells the keeper to clean up, and waits until it has.
func (k *keeper) end() {
	_ = k.alive.Close()
	_ = k.process.Wait()
}
