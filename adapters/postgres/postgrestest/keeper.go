package postgrestest

import (
	"fmt"
	"io"
	"os/exec"
)

// keeper is a process that waits for this one to end, however it does (a panic, a timeout, kill -9), and then ends the
// server and removes its files. It learns of it from the end of its standard input, which the operating system closes.
type keeper struct {
	process *exec.Cmd
	alive   io.Closer
}

const watch = `cat >/dev/null
pg_ctl stop -D "$1/data" -m immediate
cd / && rm -rf "$1"`

func keep(p programs, folder string) (*keeper, error) {
	process := p.command(folder, "/bin/sh", "-c", watch, "keeper", folder)
	alive, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("keeper: %w", p.explain(err))
	}
	return &keeper{process: process, alive: alive}, nil
}

// end lets the keeper do its work, and waits for it.
func (k *keeper) end() {
	_ = k.alive.Close()
	_ = k.process.Wait()
}
