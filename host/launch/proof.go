package launch

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// maxProofs bounds the binaries that are remembered, each with a descriptor.
const maxProofs = 256

// proofs remembers the hashes of binaries that nobody can have written since
// they were taken, so that a binary is hashed once in a host's life and not at
// every start. The kernel is the witness: a read lease on the file is taken before it is
// hashed, which fails while anybody has the file open or mapped for writing, and
// it ends when anybody opens or truncates it for writing. While it stands, the
// bytes are those that were hashed.
//
// Only files without any write permission on file systems of this machine are
// remembered; all others are hashed each time. Safe for concurrent use; starts of
// one binary at the same moment share one hash.
type proofs struct {
	mu    sync.Mutex
	known map[fileID]*proof
}

// fileID is a file as long as somebody has it open.
type fileID struct{ device, inode uint64 }

// proof is what is known of one file.
type proof struct {
	mu    sync.Mutex
	lease *os.File // nil: nothing is known
	hash  string
}

// verified is a hash and who is witness of it.
type verified struct {
	hash  string
	proof *proof // nil: nobody
}

// hash returns the hash of what f holds.
func (p *proofs) hash(f *os.File) (verified, error) {
	id, ok := lasting(f)
	if !ok {
		hash, err := Hash(f)
		return verified{hash: hash}, err
	}
	one := p.of(id)
	one.mu.Lock()
	defer one.mu.Unlock()
	if !one.stands() {
		if err := one.renew(f); err != nil {
			return verified{}, err
		}
	}
	if one.lease == nil {
		return verified{hash: one.hash}, nil
	}
	return verified{one.hash, one}, nil
}

// refuted reports whether somebody could have written the file since its hash
// was taken. Of a file without a witness nothing can be said.
func (v verified) refuted() bool {
	if v.proof == nil {
		return false
	}
	v.proof.mu.Lock()
	defer v.proof.mu.Unlock()
	return !v.proof.stands() || v.proof.hash != v.hash
}

// lasting reports whether a file's hash may be remembered, and under which name.
func lasting(f *os.File) (fileID, bool) {
	var st unix.Stat_t
	var fs unix.Statfs_t
	if unix.Fstat(int(f.Fd()), &st) != nil || unix.Fstatfs(int(f.Fd()), &fs) != nil {
		return fileID{}, false
	}
	// Leases see the writers of this machine, through this mount's file system.
	local := slices.Contains([]int64{unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.TMPFS_MAGIC}, fs.Type)
	return fileID{st.Dev, st.Ino}, local && st.Mode&0o222 == 0
}

func (p *proofs) of(id fileID) *proof {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.known[id]; one != nil {
		return one
	}
	p.tidy()
	one := &proof{}
	if p.known == nil {
		p.known = map[fileID]*proof{}
	}
	p.known[id] = one
	return one
}

// tidy forgets files that were removed, whose space a descriptor would keep, and
// as many others as there are too many. What is in use is left alone.
func (p *proofs) tidy() {
	for id, one := range p.known {
		if !one.mu.TryLock() {
			continue
		}
		if one.removed() || len(p.known) >= maxProofs {
			one.drop()
			delete(p.known, id)
		}
		one.mu.Unlock()
	}
}

// close forgets everything.
func (p *proofs) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.known {
		one.mu.Lock()
		one.drop()
		one.mu.Unlock()
	}
	p.known = nil
}

func (one *proof) removed() bool {
	var st unix.Stat_t
	return one.lease == nil || unix.Fstat(int(one.lease.Fd()), &st) != nil || st.Nlink == 0
}

// stands reports whether nobody can have written the file since it was hashed.
func (one *proof) stands() bool { return one.lease != nil && held(one.lease) }

func held(f *os.File) bool {
	kind, err := unix.FcntlInt(f.Fd(), unix.F_GETLEASE, 0)
	return err == nil && kind == unix.F_RDLCK
}

func (one *proof) drop() {
	if one.lease != nil {
		_ = one.lease.Close() // reading only
	}
	one.lease, one.hash = nil, ""
}

// renew hashes the file, under a lease when there can be one.
func (one *proof) renew(f *os.File) (err error) {
	one.drop()
	if lease, err := takeLease(f); err == nil {
		one.lease = lease
	}
	if one.hash, err = Hash(f); err != nil {
		one.drop()
	}
	return err
}

// takeLease opens the file behind f anew, so that the lease is on a descriptor
// that no plugin gets, and takes a read lease on it.
func takeLease(f *os.File) (*os.File, error) {
	lease, err := os.Open("/proc/self/fd/" + strconv.FormatUint(uint64(f.Fd()), 10))
	if err != nil {
		return nil, fmt.Errorf("opening a binary anew: %w", err)
	}
	if _, err := unix.FcntlInt(lease.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		_ = lease.Close()
		return nil, fmt.Errorf("leasing a binary: %w", err)
	}
	return lease, nil
}
