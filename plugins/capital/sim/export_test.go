package sim

// CostSum adds what the resources of an account ever cost.
func (c *Cloud) CostSum(name string) Fen {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum Fen
	for _, f := range c.byName[name].costs {
		sum += f
	}
	return sum
}

// Sign is the simulator's own signature.
func Sign(method string, query map[string]string, secret string) string {
	return sign(method, query, secret)
}

// Routes lists every action by service.
func Routes() map[string][]string {
	out := map[string][]string{}
	for path, actions := range routeTable() {
		for name := range actions {
			out[path] = append(out[path], name)
		}
	}
	return out
}

// ReadQuery and ReadBody are the parsers of a request, for fuzzing.
func ReadQuery(s string) bool {
	_, err := readQuery(s)
	return err == nil
}

// ReadBody tells whether a body is one JSON object within bounds.
func ReadBody(b []byte) bool { return readBody(b, map[string]any{}) == nil }
