# Prints what opens the cluster.
set -eu
cat /etc/kubernetes/admin.conf
