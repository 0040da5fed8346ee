package http_test

import (
	"fmt"
	"io"
	"log/slog"
	nethttp "net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
)

// BenchmarkServer measures the cost of HTTP. The farm has 1,000 users in memory. The client, in the same
// process, is included.
func BenchmarkServer(b *testing.B) {
	const clients = 64
	store := memory.New()
	farm := mustFarm(store, settings)
	for i := range 1000 {
		_, err := farm.CreateUser(b.Context(), domain.Spec{
			Login:    fmt.Sprintf("user-%d@example.com", i),
			Password: domain.NewSecret(newPassword()),
			Pool:     domain.Pool{ProjectID: domain.ProjectID{1}, Env: "staging", Domain: "shop.example.com"},
		}, domain.IdempotencyKey{})
		if err != nil {
			b.Fatal(err)
		}
	}
	url := serve(b, mustServe(http.New(app.NewGate(farm, true), store,
		http.Settings{Limits: http.DefaultLimits()}, slog.New(slog.DiscardHandler)))).url
	// Not the client of serve, which checks every answer.
	transport := &nethttp.Transport{MaxIdleConnsPerHost: clients}
	b.Cleanup(transport.CloseIdleConnections)
	client := &nethttp.Client{Transport: transport}

	for _, n := range []int{1, clients} {
		b.Run(fmt.Sprintf("pair/clients=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			inParallel(b, n, func() error { return pair(client, url) })
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
		})
	}
	b.Run("get_users", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			body, err := exchange(client, "GET", url+"/get_users", "", nethttp.StatusOK)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(body)))
		}
	})
}

// pair acquires a lease and releases it.
func pair(client *nethttp.Client, url string) error {
	const want = `{"users":[{"env":"staging","domain":"shop.example.com"}],"owner":"ci-4711/worker-3"}`
	body, err := exchange(client, "POST", url+"/v1/leases", want, nethttp.StatusCreated)
	if err != nil {
		return err
	}
	var lease api.Lease
	if err := json.Unmarshal(body, &lease); err != nil {
		return err
	}
	_, err = exchange(client, "POST", url+"/v1/leases/"+lease.LeaseID+"/release", "", nethttp.StatusNoContent)
	return err
}

// exchange sends a request, and returns the body of the answer. The answer must have the status.
func exchange(client *nethttp.Client, method, url, body string, status int) ([]byte, error) {
	req, err := nethttp.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != status {
		err = fmt.Errorf("status %d, want %d: %s", resp.StatusCode, status, answer)
	}
	return answer, err
}

// inParallel calls work b.N times, from as many goroutines as there are clients.
func inParallel(b *testing.B, clients int, work func() error) {
	var begun atomic.Int64
	var working sync.WaitGroup
	for range clients {
		working.Go(func() {
			for begun.Add(1) <= int64(b.N) {
				if err := work(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	working.Wait()
}
