package bench

import (
	"strings"
	"testing"
	"time"
)

func right() Config {
	return Config{
		URL: "http://127.0.0.1:8000", Clients: 64, For: 10 * time.Second, Users: 1000, Pools: 1, Want: "one",
		WaitersWant: "different", Rounds: 1,
	}
}

func TestLoopbackAndAllowedAddressesAreAccepted(t *testing.T) {
	for _, url := range []string{
		"http://127.0.0.1:8000", "http://127.8.9.1", "http://[::1]:8000", "http://localhost:8000/", "https://LOCALHOST/farm",
	} {
		cfg := right()
		cfg.URL = url
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	cfg := right()
	cfg.URL, cfg.AllowRemote = "https://farm.example.com", true
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
}

func TestAnInvalidConfigIsRejected(t *testing.T) {
	tests := map[string]struct {
		change func(*Config)
		says   string
	}{
		"another machine":                    {func(c *Config) { c.URL = "http://192.168.0.7:8000" }, "--allow-remote"},
		"a name of another machine":          {func(c *Config) { c.URL = "http://localhost.example.com" }, "--allow-remote"},
		"all addresses":                      {func(c *Config) { c.URL = "http://0.0.0.0:8000" }, "--allow-remote"},
		"no scheme":                          {func(c *Config) { c.URL = "127.0.0.1:8000" }, "--url must be http://"},
		"another scheme":                     {func(c *Config) { c.URL = "ftp://127.0.0.1" }, "--url must be http://"},
		"no host":                            {func(c *Config) { c.URL = "http://:8000" }, "--url must be http://"},
		"a query":                            {func(c *Config) { c.URL = "http://127.0.0.1?x=1" }, "--url must be http://"},
		"a password":                         {func(c *Config) { c.URL = "http://me:opensesame@127.0.0.1" }, "--url must be http://"},
		"no clients":                         {func(c *Config) { c.Clients = 0 }, "--clients"},
		"no users":                           {func(c *Config) { c.Users = 0 }, "--users"},
		"no time":                            {func(c *Config) { c.For = 0 }, "--for"},
		"a hold longer than the measurement": {func(c *Config) { c.Hold = c.For }, "--hold"},
		"a negative hold":                    {func(c *Config) { c.Hold = -1 }, "--hold"},
		"no pools":                           {func(c *Config) { c.Pools = 0 }, "--pools must be"},
		"fewer than no sets of labels":       {func(c *Config) { c.LabelSets = -1 }, "--label-sets must not"},
		"more pools than users":              {func(c *Config) { c.Pools = 1001 }, "--users must be at least --pools times --label-sets, 1001"},
		"pools without users of each set":    {func(c *Config) { c.Pools, c.LabelSets = 2, 501 }, "--pools times --label-sets, 1002"},
		"a shared label of no sets":          {func(c *Config) { c.Want = "shared" }, "--want shared needs --label-sets"},
		"fewer than no waiters":              {func(c *Config) { c.Waiters = -1 }, "--waiters must be from 0 to 10000"},
		"more waiters than a farm accepts":   {func(c *Config) { c.Waiters = 10_001 }, "--waiters must be from 0 to 10000"},
		"a want of no waiters":               {func(c *Config) { c.WaitersWant = "alike" }, "--waiters-want alike needs --waiters"},
		"a comparison with itself":           {func(c *Config) { c.Compare = true }, "--compare needs --pools, --label-sets or --waiters"},
		"no rounds":                          {func(c *Config) { c.Rounds = 0 }, "--rounds"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := right()
			test.change(&cfg)
			err := cfg.Validate()
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want it to contain %q", err, test.says)
			}
			if err != nil && strings.Contains(err.Error(), "opensesame") {
				t.Error("it contains the password")
			}
		})
	}
}

func TestWhatIsComparedMustDiffer(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"pools":      func(c *Config) { c.Pools = 2 },
		"label sets": func(c *Config) { c.LabelSets = 1 },
		"waiters":    func(c *Config) { c.Waiters = 1 },
	} {
		cfg := right()
		cfg.Compare = true
		change(&cfg)
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABenchThatMayNotOpenItsConnectionsSaysSo(t *testing.T) {
	cfg := right()
	cfg.Waiters = 1000
	if err := checkOpenFiles(cfg, 64+1000+otherFiles); err != nil {
		t.Error(err)
	}
	wantWords(t, checkOpenFiles(cfg, 64+1000+otherFiles-1), "--waiters 1000", "need 1128 open files", "may have 1127", "ulimit -n")
}

func TestALeaseLastsLongerThanItsHold(t *testing.T) {
	for hold, rest := range map[time.Duration]string{
		0:                      `"owner":"bench/7","ttl_seconds":60}`,
		time.Second:            `"owner":"bench/7","ttl_seconds":61}`,
		time.Second + 1:        `"owner":"bench/7","ttl_seconds":62}`,
		100 * time.Millisecond: `"owner":"bench/7","ttl_seconds":61}`,
	} {
		if got := acquireBody(`{"env":"e"}`, 7, hold); got != `{"users":[{"env":"e"}],`+rest {
			t.Errorf("held for %v: %s", hold, got)
		}
	}
}
