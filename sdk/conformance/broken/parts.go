package broken

import (
	"context"
	"encoding/json"
	"strings"

	"tradewind.example/sdk/provider"
)

// partition is the kind of what disks consist of.
const partition = "partition"

// PartitionState is what a partition is.
type PartitionState struct {
	Disk   string `json:"disk" title:"Disk"`
	Number int    `json:"number" title:"Number"`
}

// partitions is the handler of the kind of which disks consist.
type partitions struct{ p *Plugin }

func (p *Plugin) partitionKind() *provider.Kind {
	return provider.KindOf[struct{}, PartitionState](partition, "Partition", partitions{p}).Manage()
}

// partitioned shows the only partition of a disk.
func partitioned(d disk) provider.Thing[PartitionState] {
	return provider.Thing[PartitionState]{ID: d.ID + "/1", Name: "first", Status: provider.StatusBound, State: PartitionState{Disk: d.ID, Number: 1}}
}

// Get reads one partition.
func (h partitions) Get(ctx context.Context, req provider.GetRequest) (provider.Thing[PartitionState], error) {
	var none provider.Thing[PartitionState]
	if err := h.p.open(ctx, req.Call); err != nil {
		return none, err
	}
	id, _ := strings.CutSuffix(req.ID, "/1")
	d, err := h.p.cloud.change(req.Call.Account.ID, id, func(*disk) {})
	if err != nil {
		return none, err
	}
	return partitioned(d), nil
}

// parts are what a disk consists of, as the flaw would have it.
func (p *Plugin) parts(d disk) []provider.Part {
	t := partitioned(d)
	state, err := json.Marshal(t.State)
	if err != nil {
		return nil
	}
	one := provider.Part{ID: t.ID, Kind: partition, Name: t.Name, Status: t.Status, State: state}
	switch p.flaw {
	case "parts":
		one.ID = ""
	case "parts/untold":
		return nil
	case "parts/kind":
		one.Kind = "disk"
	case "parts/itself":
		one.ID, one.Kind = d.ID, "disk"
	case "parts/twice":
		return []provider.Part{one, one}
	case "parts/state":
		one.State = json.RawMessage(`{"disk":1}`)
	case "parts/unread":
		one.ID += "0"
	}
	return []provider.Part{one}
}
