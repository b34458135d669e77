package host

import (
	"tradewind.example/host/catalog"
)

// chosen is what the catalogue has selected for a plugin.
type chosen struct {
	active   catalog.Entry
	previous string // version; "": none
	pins     []chosenPin
}

// chosenPin is the version of a group of orgs.
type chosenPin struct {
	orgs  []string
	entry catalog.Entry
	alone bool // each org has a process of its own
}

func (h *Host) choose(name string) (chosen, error) {
	e, err := h.catalog.Get(name)
	return chosen{active: e}, err
}
