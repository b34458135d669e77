package conformance

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"slices"
	"strings"

	"tradewind.example/sdk/fault"
)

// stackBytes is how much of a process's stacks is looked at.
const stackBytes = 4 << 20

// standing counts the plugin's goroutines by where they stand. In this process
// they are told from the suite's own by their label, elsewhere the plugin tells.
func (s *session) standing(ctx context.Context) (map[string]int, error) {
	if s.served != nil {
		return labelled(s.id)
	}
	d, err := s.Diagnose(ctx, stackBytes)
	if fault.Is(err, fault.ClassUnsupported) {
		return nil, skip("the plugin does not tell what it is doing: build it with this SDK")
	}
	if err != nil {
		return nil, fmt.Errorf("asking what the plugin is doing: %w", err)
	}
	out := map[string]int{}
	for one := range strings.SplitSeq(d.Stacks, "\n\n") {
		var frames []string
		for line := range strings.Lines(one) {
			if name, _, call := strings.Cut(line, "(...)"); call {
				frames = append(frames, name)
			}
		}
		if at := standsAt(frames); at != "" {
			out[at]++
		}
	}
	return out, nil
}

// labelled counts the goroutines of this process that have the label id.
func labelled(id string) (map[string]int, error) {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return nil, fmt.Errorf("listing goroutines: %w", err)
	}
	out := map[string]int{}
	for group := range strings.SplitSeq(profile.String(), "\n\n") {
		if !strings.Contains(group, "# labels:") || !strings.Contains(group, id) {
			continue
		}
		n, frames := 0, []string(nil)
		for line := range strings.Lines(group) {
			fields := strings.Fields(line)
			switch {
			case strings.Contains(line, " @ "):
				_, _ = fmt.Sscan(line, &n) // a group without a count counts as none
			case len(fields) > 2 && fields[0] == "#" && strings.HasPrefix(fields[1], "0x"):
				name, _, _ := strings.Cut(fields[2], "+0x")
				frames = append(frames, name)
			}
		}
		if at := standsAt(frames); at != "" {
			out[at] += n
		}
	}
	return out, nil
}

// standsAt names the place of a goroutine: the first function that does not
// wait for others. "" is a goroutine of the runtime alone.
func standsAt(frames []string) string {
	waits := []string{"runtime.", "internal/", "sync.", "time.", "context.", "net.", "os.", "io.", "bufio.", "crypto/tls."}
	isWait := func(name string) bool {
		return slices.ContainsFunc(waits, func(w string) bool { return strings.HasPrefix(name, w) })
	}
	i := slices.IndexFunc(frames, func(name string) bool { return !isWait(name) })
	switch {
	case i >= 0:
		return frames[i]
	case len(frames) > 0 && !strings.HasPrefix(frames[0], "runtime."):
		return frames[0]
	}
	return ""
}

// idleClient reports whether goroutines stand at connections that are kept for the next request.
func idleClient(at string) bool {
	return strings.HasPrefix(at, "net/http.") || strings.HasPrefix(at, "golang.org/x/net/http2.")
}

// leftovers lets many callers in and wants no goroutines to stay for each of them.
func leftovers(ctx context.Context, s *session) error {
	before, err := s.standing(ctx)
	if err != nil {
		return err
	}
	together(callers, func(int) {
		_ = s.reads(ctx) // how they end is another rule's
	})
	return s.cleared(ctx, before, callers/2, fmt.Sprintf("%d callers have left", callers))
}
