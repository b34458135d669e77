# Shared by the scripts beside it: where things are, pinned tools, progress lines.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$PWD
TOOLS=$ROOT/.tools
export PATH="$TOOLS:$PATH"
CLOUDS=$(printf '%s\n' plugins/*/go.mod | xargs -n 1 dirname | xargs)
MODULES="sdk simkit host core $CLOUDS examples tools .ci/rules"

say() { printf '\n== %s (%s)\n' "$*" "$(date -u +%H:%M:%S)"; }

need_go() {
  command -v go >/dev/null 2>&1 || { echo "Go is missing: install the Go version named in go.work, then run this again" >&2; exit 1; }
}

# tool NAME MODULE@VERSION installs a Go tool once per version into .tools/.
tool() {
  local name=$1 at=$2 mark
  mark="$TOOLS/.$name-${at##*@}"
  [ -e "$mark" ] && return
  say "installing $name ${at##*@}"
  mkdir -p "$TOOLS"
  GOWORK=off GOFLAGS= GOBIN="$TOOLS" go install "$at"
  rm -f "$TOOLS/.$name-"*
  touch "$mark"
}

# tools NAME... installs the named tools at the versions of .ci/versions.
tools() {
  local n line
  for n in "$@"; do
    line=$(grep "^$n " .ci/versions)
    tool "$n" "${line#* }"
  done
}
