package boot_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	module   = "github.com/userfarm/userfarm/"
	adapters = module + "adapters/"
)

// rule bans imports, direct or indirect, and gives the reason.
type rule struct {
	of     string // import path prefix of the packages that the rule applies to, below the module
	except string // import path prefix of packages that it does not apply to, below the module
	may    func(of, dep string) bool
	reason string
}

var rules = []rule{{
	of:     "domain",
	except: "domain/login",
	may:    only(module + "domain"),
	reason: "a program that embeds the lock rules gets no other dependency than the standard library",
}, {
	of:     "domain/login",
	may:    only(module+"domain", "golang.org/x/text"),
	reason: "the standard library has no Unicode normal forms and no full case folding; x/text has both, and nothing else is needed",
}, {
	of:     "ports",
	except: "ports/portstest",
	may:    only(module + "domain"),
	reason: "an interface that names a library ties every implementation to it",
}, {
	of:     "ports/portstest",
	may:    only(module+"domain", module+"ports", "pgregory.net/rapid"),
	reason: "a suite that knows one adapter may treat the others unfairly",
}, {
	of:     "app",
	except: "app/boot",
	may:    only(module+"domain", module+"ports", "golang.org/x/sync"),
	reason: "use cases must not know how they are called or where users are kept; x/sync knows neither, and shares reads",
}, {
	of:     "adapters",
	may:    func(_, dep string) bool { return !isWithin(dep, module+"app") },
	reason: "an adapter implements or calls a port, and must not depend on what is behind the port",
}, {
	of: "adapters",
	may: func(of, dep string) bool {
		shared := dep == adapters+"bunstore" && (isWithin(of, adapters+"postgres") || isWithin(of, adapters+"sqlite"))
		return shared || !strings.HasPrefix(dep, adapters) || adapterOf(of) == adapterOf(dep)
	},
	reason: "adapters that depend on each other can't be replaced one by one",
}, {
	of:     "adapters",
	except: "adapters/metrics",
	may:    func(_, dep string) bool { return !isWithin(dep, "github.com/prometheus") },
	reason: "what is measured is told through ports.Observer and plain functions, so that only one package knows Prometheus",
}, {
	of: "adapters",
	may: func(of, dep string) bool {
		return slices.Contains([]string{"http", "bunstore", "postgres", "sqlite", "memory"}, adapterOf(of)) || !isWithin(dep, "go.opentelemetry.io")
	},
	reason: "requests are traced where they arrive and in their store; a program that embeds another adapter gets no OpenTelemetry",
}, {
	of:     "",
	except: "app/boot",
	may: func(of, dep string) bool {
		return isWithin(of, module+"cmd") || !isWithin(dep, "go.opentelemetry.io/otel/sdk") && !isWithin(dep, "go.opentelemetry.io/otel/exporters")
	},
	reason: "adapters trace with OpenTelemetry's interfaces; only the composition root knows what becomes of the spans",
}, {
	of:     "",
	except: "app/boot",
	may:    func(of, dep string) bool { return isWithin(of, module+"cmd") || !isWithin(dep, "go.uber.org/fx") },
	reason: "every constructor must work without fx; only the composition root uses it",
}}

// TestEachLayerImportsOnlyWhatItMay keeps the layers apart. Tests may import any package, except for the tests of domain.
func TestEachLayerImportsOnlyWhatItMay(t *testing.T) {
	packages := listPackages(t)
	checked := make([]int, len(rules))
	for path, p := range packages {
		if !strings.HasPrefix(path, module) {
			continue
		}
		for i, r := range rules {
			if !isWithin(path, module+r.of) || r.except != "" && isWithin(path, module+r.except) {
				continue
			}
			checked[i]++
			for _, dep := range p.Deps {
				if !packages[dep].Standard && !r.may(path, dep) {
					t.Errorf("%s imports %s, directly or indirectly: %s", path, dep, r.reason)
				}
			}
		}
	}
	for i, n := range checked {
		if n == 0 {
			t.Errorf("the rule for %q applies to no package: was the folder renamed?", rules[i].of)
		}
	}
}

func TestDomainTestsImportTheStandardLibraryOnly(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-test", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", module+"domain").Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if !strings.Contains(path, module+"domain") && !strings.HasPrefix(path, "[") {
			t.Errorf("the tests of domain import %s: a program that embeds domain runs its tests without other modules", path)
		}
	}
}

type listed struct {
	ImportPath string
	Standard   bool
	Deps       []string
}

func listPackages(t *testing.T) map[string]listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Deps", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string]listed{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath] = p
	}
}

// only allows the packages at paths, and packages in the folder of the importing one.
func only(paths ...string) func(of, dep string) bool {
	return func(of, dep string) bool {
		for _, path := range append(paths, of) {
			if isWithin(dep, path) {
				return true
			}
		}
		return false
	}
}

// adapterOf returns the name of the folder in adapters that contains path.
func adapterOf(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, adapters), "/")
	return name
}

func isWithin(path, folder string) bool {
	folder = strings.TrimSuffix(folder, "/")
	return path == folder || strings.HasPrefix(path, folder+"/")
}
