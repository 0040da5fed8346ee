//go:build linux

package main_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// BenchmarkImport imports 100,000 new users with the command into a farm with SQLite, and reports how much memory both had at most.
func BenchmarkImport(b *testing.B) {
	table := filepath.Join(b.TempDir(), "users.csv")
	writeTable(b, table, 100_000)
	var farmPeak, commandPeak int64
	for range b.N {
		b.StopTimer()
		address := freeAddress(b)
		farm := exec.Command(binary, "serve", "--listen", address)
		farm.Dir = b.TempDir()
		if err := farm.Start(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = farm.Process.Kill() })
		for ready := false; !ready; time.Sleep(10 * time.Millisecond) {
			response, err := http.Get("http://" + address + "/readyz")
			if err == nil {
				ready = response.StatusCode == http.StatusOK
				_ = response.Body.Close()
			}
		}
		b.StartTimer()
		command := exec.Command(binary, "import", table, "--url", "http://"+address)
		if output, err := command.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, output)
		}
		b.StopTimer()
		_ = farm.Process.Signal(syscall.SIGTERM)
		_ = farm.Wait()
		farmPeak, commandPeak = max(farmPeak, peakOf(farm)), max(commandPeak, peakOf(command))
	}
	b.ReportMetric(float64(farmPeak)/1e6, "MB-farm")
	b.ReportMetric(float64(commandPeak)/1e6, "MB-command")
}

// peakOf returns the most bytes that a process which has ended had in memory.
func peakOf(command *exec.Cmd) int64 {
	return command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}

func writeTable(b *testing.B, path string, users int) {
	b.Helper()
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	_, _ = out.WriteString("project_id," + header)
	for i := range users {
		_, _ = fmt.Fprintf(out, "%s,stage,regular,user-%06d@example.com,correct-horse-%06d,%s\n", project, i, i, []string{"admin", "buyer", "seller"}[i%3])
	}
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
}
