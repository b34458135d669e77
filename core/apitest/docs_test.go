package apitest

import (
	"encoding/json"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
)

var asset = regexp.MustCompile(`(?:src|href)="([^"]+)"`)

// TestTheDocumentsWorkOffline loads the reference page as a browser would and
// wants everything from this server.
func TestTheDocumentsWorkOffline(t *testing.T) {
	b := start(t)
	get := func(p string) answer { return b.client.send(t, request{method: http.MethodGet, path: p}) }
	page := get("/docs/index.html")
	if page.status != http.StatusOK || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
		t.Fatalf("the page: %d %q", page.status, page.header.Get("Content-Type"))
	}
	policy := page.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'self';") {
		t.Errorf("the page may load from elsewhere: %q", policy)
	}
	if strings.Contains(string(page.body), "<script>") {
		t.Error("the page has a script that its policy does not run")
	}
	found := asset.FindAllStringSubmatch(string(page.body), -1)
	for _, m := range found {
		if strings.Contains(m[1], "//") {
			t.Errorf("the page loads %s from elsewhere", m[1])
			continue
		}
		a := get(path.Join("/docs", m[1]))
		if a.status != http.StatusOK || len(a.body) == 0 || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d, %d bytes", m[1], a.status, len(a.body))
		}
		if want := map[string]string{".js": "javascript", ".css": "text/css", ".png": "image/png"}[path.Ext(m[1])]; !strings.Contains(a.header.Get("Content-Type"), want) {
			t.Errorf("%s is of type %q", m[1], a.header.Get("Content-Type"))
		}
	}
	if len(found) < 5 {
		t.Errorf("the page has only %d assets", len(found))
	}
	if a := get("/docs/swagger-initializer.js"); !strings.Contains(string(a.body), `"/openapi.json"`) {
		t.Errorf("the page shows another document: %s", a.body)
	}
	for _, p := range []string{"/docs/..%2fgo.mod", "/docs/no-such-file", "/docs/%00"} {
		if a := get(p); a.status != http.StatusNotFound || !a.isProblem() {
			t.Errorf("%s: %d %s", p, a.status, a.body)
		}
	}
}

// TestTheDocumentIsWhole checks the document's structure: version, unique ids,
// known references, declared path parameters and a problem for every refusal.
func TestTheDocumentIsWhole(t *testing.T) {
	b := start(t)
	doc := read(t, b.client)
	var head struct {
		OpenAPI string
		Info    struct{ Title, Version string }
		Paths   map[string]map[string]struct {
			Responses map[string]struct{ Content map[string]any }
			Summary   string
			Tags      []string
		}
	}
	if err := json.Unmarshal(doc.raw, &head); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(head.OpenAPI, "3.1.") || head.Info.Title == "" || head.Info.Version == "" {
		t.Errorf("version %q, title %q", head.OpenAPI, head.Info.Title)
	}
	for _, m := range regexp.MustCompile(`"\$ref":"([^"]+)"`).FindAllStringSubmatch(string(doc.raw), -1) {
		name, ok := strings.CutPrefix(m[1], "#/components/schemas/")
		if _, known := doc.schemas[name]; !ok || !known {
			t.Errorf("the reference %s leads nowhere", m[1])
		}
	}
	ids := map[string]bool{}
	for _, o := range doc.operations {
		if ids[o.ID] {
			t.Errorf("the id %s is used twice", o.ID)
		}
		ids[o.ID] = true
		for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(o.path, -1) {
			if !o.has("path", m[1]) {
				t.Errorf("%s: the parameter %s is not declared", o.ID, m[1])
			}
		}
		info := head.Paths[o.path][strings.ToLower(o.method)]
		if info.Summary == "" || len(info.Tags) != 1 {
			t.Errorf("%s: summary %q, tags %v", o.ID, info.Summary, info.Tags)
		}
		good := 0
		for status, r := range info.Responses {
			if strings.HasPrefix(status, "2") || status == "101" { // 101: a socket is open
				good++
			} else if r.Content["application/problem+json"] == nil {
				t.Errorf("%s: %s is not declared as a problem: %v", o.ID, status, r.Content)
			}
		}
		if good != 1 {
			t.Errorf("%s has %d answers of success", o.ID, good)
		}
	}
}
