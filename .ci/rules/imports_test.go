package rules

import (
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// edge forbids an import: a package under From must not import one under To.
type edge struct {
	from, to string
	except   []string // packages under from that may
	reason   string
}

const prefix = "tradewind.example/"

// domain names the packages that hold the broker's business.
var domain = []string{
	"money", "id", "pricing", "protocol", "ledger", "tenant", "access", "audit", "provider", "catalog",
	"quote", "order", "resource", "inventory", "billing", "settlement", "settledate", "idempotency", "job", "seal", "config",
}

// vendors are the clouds' own SDKs.
var vendors = []string{
	"github.com/ucloud", "github.com/baidubce", "github.com/jdcloud-api", "github.com/capitalonline", "github.com/aliyun", "k8s.io/client-go",
}

// simulators returns the places of the clouds' simulators.
func simulators(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root(t), "plugins", "*", "sim"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no simulator beside the plugins: %v", err)
	}
	for i, f := range found {
		found[i] = "plugins/" + filepath.Base(filepath.Dir(f)) + "/sim"
	}
	return found
}

func forbidden(t *testing.T) []edge {
	t.Helper()
	edges := []edge{
		{from: "sdk", to: "host", reason: "the sdk is what plugin authors import; it must not pull the host in"},
		{from: "sdk", to: "core", reason: "the sdk is what plugin authors import; it must not pull the broker in"},
		{from: "sdk", to: "plugins", reason: "the sdk serves all plugins and knows none"},
		{from: "sdk/provider", to: "sdk/wire", reason: "the contract knows no transport"},
		{from: "sdk/provider", to: "google.golang.org/grpc", reason: "the contract knows no transport"},
		{from: "host", to: "core", reason: "the host runs plugins for anyone"},
		{from: "host", to: "plugins", reason: "the host runs binaries and links none"},
		{from: "plugins", to: "host", reason: "a plugin is a process of its own"},
		{from: "plugins", to: "core", reason: "a plugin is a process of its own"},
		{from: "plugins", to: "sdk/wire", reason: "authors never see generated types"},
		{from: "examples", to: "core", reason: "examples show what an outsider can do"},
		{from: "examples", to: "host", reason: "examples show what an outsider can do"},
		{from: "sdk", to: "tools", reason: "the author's tool is built on the sdk"},
		{from: "host", to: "tools", reason: "the host needs no author's tool"},
		{from: "tools", to: "core", reason: "an author's tool needs no broker"},
		{from: "tools", to: "plugins", reason: "the tool serves all plugins and knows none"},
		{from: "tools", to: "sdk/wire", except: []string{"tools/call", "tools/tradewind-plugin"}, reason: "only a caller speaks the wire"},
		{from: "core", to: "plugins", reason: "the broker knows clouds only through the contract"},
		{from: "core", to: "sdk/wire", reason: "the host alone speaks the wire", except: []string{"core/cmd/tradewind-bench"}},
		{from: "core", to: "core/app", except: []string{"core/app", "core/cmd", "core/apitest", "core/e2e"}, reason: "only main wires"},
		{from: "core", to: "core/api", except: []string{"core/api", "core/app", "core/cmd"}, reason: "transport is at the edge"},
		{from: "core", to: "host", except: []string{"core/app", "core/cmd"}, reason: "only the composition root sees the host"},
		{from: "core", to: "core/store/bolt", except: []string{"core/store", "core/app", "core/cmd"}, reason: "domain code does not know which store it runs on"},
		{from: "core", to: "go.etcd.io/bbolt", except: []string{"core/store/bolt", "core/cmd/tradewind-bench"}, reason: "one package knows the engine"},
	}
	chassis := edge{from: "plugins", to: "simkit", reason: "a plugin shares no code with what it is tested against"}
	for _, sim := range append(simulators(t), "simkit") {
		chassis.except = append(chassis.except, sim, path.Join(path.Dir(sim), "cmd"))
		edges = append(edges, edge{from: sim, to: "sdk", reason: "the simulator is written from the vendor's facts and knows nothing of the plugin"})
		for _, vendor := range vendors {
			edges = append(edges, edge{from: sim, to: vendor, reason: "the simulator must not share the vendor SDK's view of the wire"})
		}
	}
	edges = append(edges, chassis)
	for _, ours := range []string{"host", "core", "plugins", "examples", "tools"} {
		edges = append(edges, edge{from: "simkit", to: ours, reason: "the chassis of simulators knows no cloud and no broker"})
	}
	for _, ours := range []string{"sdk", "host", "core", "examples", "tools"} {
		edges = append(edges, edge{from: ours, to: "simkit", reason: "only simulators stand on their chassis"})
	}
	for _, light := range []string{"sdk", "host", "core", "tools", "examples"} {
		edges = append(edges, edge{from: light, to: "k8s.io", reason: "Kubernetes' client is heavy; one plugin alone carries it"})
	}
	for _, engine := range []string{"cluster", "kubeadm", "remote"} {
		edges = append(edges, edge{from: "plugins/cpcc/internal/" + engine, to: "sdk/provider", reason: "what works on clusters and machines knows nothing of what is sold"})
	}
	for _, d := range domain {
		for _, to := range []string{"github.com/gofiber", "github.com/danielgtaylor/huma", "net/http", "google.golang.org/grpc", "github.com/hashicorp/go-plugin"} {
			edges = append(edges, edge{from: "core/" + d, to: to, reason: "a domain package knows no transport"})
		}
	}
	return edges
}

func under(pkg, place string) bool {
	full := place
	if !strings.Contains(strings.SplitN(place, "/", 2)[0], ".") && isOurs(place) {
		full = prefix + place
	}
	return pkg == full || strings.HasPrefix(pkg, full+"/")
}

func isOurs(place string) bool {
	switch strings.SplitN(place, "/", 2)[0] {
	case "sdk", "simkit", "host", "core", "plugins", "examples", "tools":
		return true
	}
	return false
}

func excepted(pkg string, places []string) bool {
	for _, p := range places {
		if under(pkg, p) {
			return true
		}
	}
	return false
}

func TestImports(t *testing.T) {
	pkgs := packages(t)
	for _, e := range forbidden(t) {
		seen := false
		for _, p := range pkgs {
			if !under(p.ImportPath, e.from) {
				continue
			}
			seen = true
			if excepted(p.ImportPath, e.except) || under(p.ImportPath, e.to) {
				continue
			}
			for _, imp := range p.Imports {
				if under(imp, e.to) {
					t.Errorf("%s imports %s: %s", p.ImportPath, imp, e.reason)
				}
			}
		}
		if !seen {
			t.Errorf("rule about %s: no such package any more; change the rule", path.Join(prefix, e.from))
		}
	}
}
