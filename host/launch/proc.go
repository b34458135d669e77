package launch

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// procStat is the part of /proc/<pid>/stat that tells processes apart.
type procStat struct {
	state     byte   // R, S, D, Z, T …
	group     int    // process group id
	startTime uint64 // clock ticks since boot; with the pid it names a process for one boot
}

// readStat reads /proc/<pid>/stat. The command name may hold blanks and
// parentheses, so fields count from the last parenthesis.
func readStat(pid int) (procStat, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return procStat{}, err
	}
	return parseStat(string(raw))
}

func parseStat(raw string) (procStat, error) {
	end := strings.LastIndexByte(raw, ')')
	if end < 0 {
		return procStat{}, fmt.Errorf("stat line %q has no command", raw)
	}
	fields := strings.Fields(raw[end+1:])
	const state, group, startTime = 0, 2, 19 // fields 3, 5 and 22 of proc(5)
	if len(fields) <= startTime || len(fields[state]) != 1 {
		return procStat{}, fmt.Errorf("stat line has only %d fields", len(fields))
	}
	pgrp, err := strconv.Atoi(fields[group])
	if err != nil {
		return procStat{}, fmt.Errorf("reading process group: %w", err)
	}
	start, err := strconv.ParseUint(fields[startTime], 10, 64)
	if err != nil {
		return procStat{}, fmt.Errorf("reading start time: %w", err)
	}
	return procStat{state: fields[state][0], group: pgrp, startTime: start}, nil
}

// alive reports whether pid is the process that started at startTime and has
// not ended: a zombie counts as ended, also where nobody reaps it.
func alive(pid int, startTime uint64) bool {
	st, err := readStat(pid)
	return err == nil && st.startTime == startTime && st.state != 'Z' && st.state != 'X'
}

// bootID names this boot of the machine; start times mean nothing across boots.
func bootID() (string, error) {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("reading the boot id: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// marked returns the pids of all readable processes whose environment holds
// the variable assignment mark.
func marked(mark string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err == nil && hasVariable(env, mark) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func hasVariable(environ []byte, assignment string) bool {
	for v := range bytes.SplitSeq(environ, []byte{0}) {
		if string(v) == assignment {
			return true
		}
	}
	return false
}
