# Makes a control plane, once: a finished one is left alone, a half one begun anew.
set -eu
mkdir -p /etc/kubernetes
exec 9>/etc/kubernetes/tradewind.lock
flock -n 9 || { echo "another step is still at work" >&2; exit 66; }
mark=/etc/kubernetes/tradewind
if [ "$(cat "$mark" 2>/dev/null || true)" = "$MARK done" ]; then
  exit 0
fi
if [ -e "$mark" ]; then
  kubeadm reset -f >&2
fi
printf '%s begun\n' "$MARK" >"$mark"
set -- --pod-network-cidr="$PODS"
[ -z "$NAMES" ] || set -- "$@" --apiserver-cert-extra-sans="$NAMES"
[ -z "$VERSION" ] || set -- "$@" --kubernetes-version="$VERSION"
[ -z "$IMAGES" ] || set -- "$@" --image-repository="$IMAGES"
kubeadm init "$@" >&2
printf '%s done\n' "$MARK" >"$mark"
