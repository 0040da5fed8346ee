package boot_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const (
	module   = "github.com/userfarm/userfarm/"
	adapters = module + "adapters/"
)

// A rule bans imports, direct or not, and says why.
type rule struct {
	of     string // import path prefix of the packages that the rule is for, below the module
	except string // import path prefix of packages that it is not for, below the module
	may    func(of, dep string) bool
	reason string
}

var rules = []rule{{
	of:     "domain",
	may:    nothing,
	reason: "whoever embeds the lock rules takes the standard library and nothing else",
}, {
	of:     "ports",
	except: "ports/portstest",
	may:    only(module + "domain"),
	reason: "an interface that names a library ties every implementation to it",
}, {
	of:     "ports/portstest",
	may:    only(module+"domain", module+"ports", "pgregory.net/rapid"),
	reason: "a suite that knows an adapter can't be fair to the others",
}, {
	of:     "app",
	except: "app/boot",
	may:    only(module+"domain", module+"ports"),
	reason: "use cases must not know how they are called or where users are kept",
}, {
	of:     "adapters",
	may:    func(_, dep string) bool { return !isWithin(dep, module+"app") },
	reason: "an adapter implements or calls a port, and what is behind the port is not its business",
}, {
	of: "adapters",
	may: func(of, dep string) bool {
		shared := dep == adapters+"bunstore" && (isWithin(of, adapters+"postgres") || isWithin(of, adapters+"sqlite"))
		return shared || !strings.HasPrefix(dep, adapters) || adapterOf(of) == adapterOf(dep)
	},
	reason: "adapters that know each other can't be swapped one by one",
}, {
	of:     "",
	except: "app/boot",
	may:    func(of, dep string) bool { return isWithin(of, module+"cmd") || !isWithin(dep, "go.uber.org/fx") },
	reason: "every constructor must work without fx; only the composition root uses it",
}}

// TestImports keeps the layers apart. Tests may import what they like, except for those of domain.
func TestImports(t *testing.T) {
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
					t.Errorf("%s imports %s, directly or not: %s", path, dep, r.reason)
				}
			}
		}
	}
	for i, n := range checked {
		if n == 0 {
			t.Errorf("no package is under the rule for %q: was the folder renamed?", rules[i].of)
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
			t.Errorf("the tests of domain import %s: who embeds domain runs its tests without other modules", path)
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

func nothing(string, string) bool { return false }

// only allows the packages at paths, and packages of the same folder.
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

// adapterOf returns the name of the folder in adapters that path lies in.
func adapterOf(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, adapters), "/")
	return name
}

func isWithin(path, folder string) bool {
	folder = strings.TrimSuffix(folder, "/")
	return path == folder || strings.HasPrefix(path, folder+"/")
}
