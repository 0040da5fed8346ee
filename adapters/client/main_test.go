package client_test

import (
	"testing"

	"go.uber.org/goleak"
)

// ofServers are goroutines of fasthttp, which outlive a server.
var ofServers = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),    // runs for ever
	goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"), // checks every 10 s whether to end
}

// TestMain fails the suite if something still runs after it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, ofServers...) }
