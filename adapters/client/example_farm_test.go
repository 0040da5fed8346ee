package client_test

import (
	"context"
	"log/slog"
	"net"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
)

// exampleFarm returns a client of a farm that has one admin, until stop is called.
func exampleFarm() (c *client.Client, stop func()) {
	store := memory.New()
	farm := must(app.New(store, app.Settings{}))
	running := must(http.New(app.NewGate(farm, true), store, http.Settings{Limits: http.DefaultLimits()}, slog.New(slog.DiscardHandler)))
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	served := make(chan error, 1)
	go func() { served <- running.Serve(listener) }()
	c = must(client.New("http://" + listener.Addr().String()))
	ann := domain.Spec{
		Login: "ann@example.com", Password: domain.NewSecret("hunter2"), Pool: stage, Labels: domain.Labels{"role": "admin"},
	}
	must(c.CreateUser(context.Background(), ann, domain.IdempotencyKey{}))
	return c, func() {
		c.CloseIdleConnections()
		_ = running.Shutdown(context.Background())
		<-served
	}
}
