package access

import (
	"fmt"
	"strings"
)

// Markdown returns the table of rights for people to read.
func Markdown() string {
	var b strings.Builder
	roles := Roles()
	b.WriteString("| right |")
	for _, r := range roles {
		fmt.Fprintf(&b, " %s |", r)
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", len(roles)+1) + "\n")
	for _, row := range Table() {
		fmt.Fprintf(&b, "| %s |", row.Right)
		for _, e := range row.Extents {
			fmt.Fprintf(&b, " %s |", e)
		}
		b.WriteString("\n")
	}
	return b.String()
}
