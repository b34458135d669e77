// Package scaffold writes the module of a new plugin: a provider with one kind
// over a small REST client, its tests against a cloud in memory, and what
// belongs to a repository. What it writes builds and passes the conformance
// suite as it is; the author then changes it to speak with a real cloud.
//
// It writes files and runs nothing. Its functions keep no state.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

//go:embed template
var templates embed.FS

// Plugin says what to write.
type Plugin struct {
	Name       string // of the plugin: lower case words joined by -
	Title      string // what people call the cloud; "": from Name
	Module     string // module path; "": plugin.example/<name>
	SDKVersion string // version of the SDK to require
	SDKReplace string // path of a local copy of the SDK, "" for none
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// Complete fills in what follows from the name, and refuses what cannot be a plugin.
func (p Plugin) Complete() (Plugin, error) {
	if !nameForm.MatchString(p.Name) || len(p.Name) > 32 {
		return p, fmt.Errorf("name %q: use lower case words joined by -, 32 characters at most", p.Name)
	}
	if p.Title == "" {
		words := strings.Split(p.Name, "-")
		for i, w := range words {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
		p.Title = strings.Join(words, " ")
	}
	if p.Module == "" {
		p.Module = "plugin.example/" + p.Name
	}
	if strings.ContainsAny(p.Title+p.Module+p.SDKVersion+p.SDKReplace, "\"`\\\n") {
		return p, errors.New("title, module, version and path cannot have quotes, backslashes or line feeds")
	}
	return p, nil
}

// Files returns the module's files by name.
func Files(p Plugin) (map[string][]byte, error) {
	out := map[string][]byte{}
	p, err := p.Complete()
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(templates, "template", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(path, "template/"), ".tmpl")
		if name == "gitignore" {
			name = ".gitignore"
		}
		out[name], err = render(path, p)
		return err
	})
	return out, err
}

func render(path string, p Plugin) ([]byte, error) {
	raw, err := templates.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := template.New(path).Delims("[[", "]]").Option("missingkey=error").Parse(string(raw))
	if err != nil {
		return nil, fmt.Errorf("reading a template: %w", err)
	}
	var text bytes.Buffer
	if err := t.Execute(&text, p); err != nil {
		return nil, fmt.Errorf("filling a template: %w", err)
	}
	if !strings.HasSuffix(path, ".go.tmpl") {
		return text.Bytes(), nil
	}
	return format.Source(text.Bytes())
}

// Write writes the module into dir, which must be missing or empty.
func Write(dir string, p Plugin) error {
	files, err := Files(p)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading the folder: %w", err)
	}
	if len(there) > 0 {
		return fmt.Errorf("folder %q is not empty: name another one", dir)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return fmt.Errorf("writing the module: %w", err)
		}
	}
	return nil
}
