// Package launch runs one plugin process: it verifies and executes the same
// open file, seals the process's surroundings, and makes sure that the process
// and everything it started end when the host says so or the host itself ends.
//
// It is not a supervisor (nothing is restarted here) and knows nothing of gRPC;
// it implements go-plugin's runner so that package session can negotiate over
// it. Linux only: it needs /proc, process groups and parent-death signals.
//
// # What a launch guarantees
//
//   - The bytes that were hashed are the file that runs: the binary is opened
//     once, hashed through that descriptor, and executed as /proc/self/fd/3. The
//     hash of an installed binary is taken once in the host's life, under a lease
//     by which the kernel tells when anybody could have written the file since.
//   - The environment is empty but for an allow-list and what is declared.
//   - Umask 077, a private working folder, a private socket folder of mode 0700
//     that the host removes.
//   - No core dumps, a bounded number of descriptors and whatever [Isolation]
//     says, in force before the program's first instruction; what cannot be
//     enforced is told by [Process.Applied].
//   - Three guards against orphans: SIGKILL to the process group when the
//     process ends or is killed, a parent-death signal, and a lifeline pipe whose
//     far end only the host holds. What left the group ends with the process's
//     cgroup, or is found by its mark. What still survives a killed host is swept by
//     the next [OpenDir].
//   - [Process.Kill] is bounded, whatever the process does.
//
// # Concurrency and ownership
//
// A Process may be used by several goroutines. It owns its binary descriptor,
// its pipes and its folder and puts them away by itself after the process ended;
// [Process.Done] tells when. A Process starts once.
package launch
