# Makes a machine fit for Kubernetes. Repeating it changes nothing.
# KEY is of a join by a command that was given: one by another command is no repeat.
set -eu
mark=/etc/kubernetes/tradewind
have=$(cat "$mark" 2>/dev/null || true)
case "$have" in
  "$MARK done"*)
    if [ -n "$KEY" ] && [ "$have" != "$MARK done $KEY" ]; then
      echo "is a member already, by another join command" >&2
      exit 65
    fi ;;
  ""|"$MARK "*) ;;
  *) echo "belongs to something else: $have" >&2; exit 65 ;;
esac
if [ -z "$have" ]; then
  for file in admin.conf kubelet.conf; do
    if [ -e "/etc/kubernetes/$file" ]; then
      echo "is a member of a cluster that this platform did not make" >&2
      exit 65
    fi
  done
fi
for program in kubeadm kubelet containerd; do
  command -v "$program" >/dev/null 2>&1 || { echo "lacks $program" >&2; exit 64; }
done
swapoff -a
sed -i -E 's/^([^#].*[[:space:]]swap[[:space:]].*)$/#\1/' /etc/fstab
mkdir -p /etc/modules-load.d /etc/sysctl.d /etc/kubernetes
printf 'overlay\nbr_netfilter\n' >/etc/modules-load.d/90-tradewind.conf
modprobe overlay
modprobe br_netfilter
printf 'net.ipv4.ip_forward=1\nnet.bridge.bridge-nf-call-iptables=1\nnet.bridge.bridge-nf-call-ip6tables=1\n' >/etc/sysctl.d/90-tradewind.conf
sysctl -q -p /etc/sysctl.d/90-tradewind.conf
systemctl enable --now containerd kubelet
hostname
