package rules

import (
	"bufio"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
)

// pkg is the part of go list's answer the rules read.
type pkg struct {
	ImportPath string
	Dir        string
	Name       string
	Doc        string
	Imports    []string
	GoFiles    []string
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Name,Doc,Imports,GoFiles", "work")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) < 20 {
		t.Fatalf("go list found %d packages only", len(pkgs))
	}
	return pkgs
}

func generated(name string) bool {
	return strings.HasSuffix(name, ".pb.go") || strings.HasSuffix(name, "_gen.go")
}

func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		if strings.Contains(p.ImportPath, "/wire/providerv1") || len(p.GoFiles) == 0 {
			continue
		}
		if p.Doc == "" {
			t.Errorf("%s has no package comment: say in one sentence what it is for", p.ImportPath)
		}
	}
}

// eachFile parses every non-test, non-generated file.
func eachFile(t *testing.T, fn func(p pkg, name string, fset *token.FileSet, f *ast.File)) {
	t.Helper()
	for _, p := range packages(t) {
		for _, g := range p.GoFiles {
			if generated(g) {
				continue
			}
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, g), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			fn(p, g, fset, f)
		}
	}
}

func TestFunctionSizes(t *testing.T) {
	const median, p90, most = 10, 35, 80
	var sizes []int
	eachFile(t, func(p pkg, name string, fset *token.FileSet, f *ast.File) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1
			sizes = append(sizes, n)
			if n > most {
				t.Errorf("%s/%s: %s has %d lines, more than %d", p.ImportPath, name, fn.Name.Name, n, most)
			}
		}
		if n := fset.Position(f.End()).Line; n > 600 {
			t.Errorf("%s/%s has %d lines, more than 600", p.ImportPath, name, n)
		}
	})
	sort.Ints(sizes)
	if got := sizes[len(sizes)/2]; got > median {
		t.Errorf("median function has %d lines, more than %d", got, median)
	}
	if got := sizes[len(sizes)*9/10]; got > p90 {
		t.Errorf("p90 function has %d lines, more than %d", got, p90)
	}
}

// bigInterfaces may have more than five methods, each for its reason.
var bigInterfaces = map[string]string{}

func TestInterfaceSizes(t *testing.T) {
	eachFile(t, func(p pkg, _ string, _ *token.FileSet, f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			i, ok := s.Type.(*ast.InterfaceType)
			if !ok || i.Methods.NumFields() <= 5 {
				return true
			}
			if bigInterfaces[p.ImportPath+"."+s.Name.Name] == "" {
				t.Errorf("%s.%s has %d methods, more than 5", p.ImportPath, s.Name.Name, i.Methods.NumFields())
			}
			return true
		})
	})
}

// documented counts exported top-level names and methods with a comment.
func documented(f *ast.File) (have, all int, missing []string) {
	count := func(name string, docs ...*ast.CommentGroup) {
		all++
		for _, d := range docs {
			if d != nil && strings.TrimSpace(d.Text()) != "" {
				have++
				return
			}
		}
		missing = append(missing, name)
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && exportedReceiver(d) {
				count(d.Name.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() {
						count(s.Name.Name, d.Doc, s.Doc, s.Comment)
					}
				case *ast.ValueSpec:
					if s.Names[0].IsExported() {
						count(s.Names[0].Name, d.Doc, s.Doc, s.Comment)
					}
				}
			}
		}
	}
	return have, all, missing
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.IndexListExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

func TestExportedNamesDocumented(t *testing.T) {
	have, all := 0, 0
	eachFile(t, func(p pkg, name string, _ *token.FileSet, f *ast.File) {
		if p.Name == "main" {
			return
		}
		h, a, missing := documented(f)
		strict := strings.HasPrefix(p.ImportPath, prefix+"sdk") || strings.HasPrefix(p.ImportPath, prefix+"host")
		if strict {
			for _, m := range missing {
				t.Errorf("%s/%s: exported %s has no comment", p.ImportPath, name, m)
			}
			return
		}
		have, all = have+h, all+a
	})
	if all > 0 && have*100 < all*90 {
		t.Errorf("outside sdk and host %d of %d exported names are documented, less than 90%%", have, all)
	}
}

// words that must not stand in committed text, each with its reason.
var words = []struct {
	pattern *regexp.Regexp
	files   *regexp.Regexp
	reason  string
}{
	{regexp.MustCompile(`\b(TODO|FIXME)\b`), regexp.MustCompile(`\.(go|md|proto|ya?ml)$`), "a demand is met or left out openly"},
	{regexp.MustCompile(`(^|[^A-Za-z0-9_.-])/(root|work|farm|home)/`), regexp.MustCompile(`.`), "no absolute path of a machine"},
	{regexp.MustCompile(`(proxy\.golang|sum\.golang|registry\.npmjs|deb\.debian)\.org`), regexp.MustCompile(`.`), "no name of a registry's host"},
	{regexp.MustCompile(`time\.Sleep\(`), regexp.MustCompile(`_test\.go$`), "tests wait on clocks and channels"},
}

// tracked lists the files of the repository.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// maxFile bounds a file of the repository in bytes: what is larger was built.
const maxFile = 1 << 20

func TestNothingBuiltIsKept(t *testing.T) {
	for _, name := range tracked(t) {
		info, err := os.Stat(filepath.Join(root(t), name))
		if err == nil && info.Size() > maxFile {
			t.Errorf("%s has %d bytes: leave out what can be built", name, info.Size())
		}
	}
}

func TestWords(t *testing.T) {
	for _, name := range tracked(t) {
		if strings.HasPrefix(name, ".ci/rules/") || name == ".golangci.yml" || strings.HasSuffix(name, ".sum") || strings.HasSuffix(name, ".binpb") {
			continue
		}
		checkWords(t, name)
	}
}

func checkWords(t *testing.T, name string) {
	t.Helper()
	f, err := os.Open(filepath.Join(root(t), name))
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(make([]byte, 0, 64<<10), 16<<20)
	for line := 1; sc.Scan(); line++ {
		for _, w := range words {
			if w.files.MatchString(name) && w.pattern.MatchString(sc.Text()) {
				t.Errorf("%s:%d: %q: %s", name, line, w.pattern, w.reason)
			}
		}
	}
}

var moneyPackages = regexp.MustCompile(`/core/(money|pricing|ledger|protocol|quote|order|billing|settlement|catalog)$`)

func TestNoFloatNearMoney(t *testing.T) {
	eachFile(t, func(p pkg, name string, fset *token.FileSet, f *ast.File) {
		if !moneyPackages.MatchString(p.ImportPath) {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && (id.Name == "float64" || id.Name == "float32") {
				t.Errorf("%s/%s:%d: %s: money, rates and usage are exact decimals", p.ImportPath, name, fset.Position(id.Pos()).Line, id.Name)
			}
			return true
		})
	})
}
