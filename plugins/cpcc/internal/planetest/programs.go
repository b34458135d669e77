package planetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// findPrograms returns the folder of the built programs: the one whose name is
// the hash of what pins them.
func findPrograms() (string, error) {
	root, err := repository()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, module := range []string{"kubernetes", "kwok"} {
		for _, file := range []string{"go.mod", "go.sum"} {
			raw, err := os.ReadFile(filepath.Join(root, "plugins", "cpcc", "plane", module, file))
			if err != nil {
				return "", err
			}
			sum.Write(raw)
		}
	}
	dir := filepath.Join(root, "build", "plane", hex.EncodeToString(sum.Sum(nil))[:16])
	if _, err := os.Stat(filepath.Join(dir, "ready")); err != nil {
		return "", errors.New("the programs are not built: run .ci/plane at the root of the repository, about 10 minutes the first time")
	}
	return dir, nil
}

// repository finds the folder with go.work above the test's own.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.work above the test's folder: the control plane is found from the repository's root")
		}
		dir = up
	}
}

// ports are those of one plane.
type ports struct{ etcd, peer, api, kubelet int }

// freePorts holds all of them open at once, so that they differ.
func freePorts(ctx context.Context) (ports, error) {
	var out ports
	for _, port := range []*int{&out.etcd, &out.peer, &out.api, &out.kubelet} {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return ports{}, fmt.Errorf("choosing a port: %w", err)
		}
		defer func() { _ = l.Close() }()
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return out, nil
}
