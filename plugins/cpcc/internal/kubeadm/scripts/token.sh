# Prints the command by which one more machine joins; its token lives an hour.
set -eu
kubeadm token create --ttl 1h --print-join-command
