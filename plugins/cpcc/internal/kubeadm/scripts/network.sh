# Applies the manifest of the cluster's network; repeating it changes nothing.
set -eu
printf '%s' "$MANIFEST" | base64 -d | kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f - >&2
