package workload

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	apply "k8s.io/client-go/applyconfigurations/core/v1"
	networking "k8s.io/client-go/applyconfigurations/networking/v1"
)

// governingService gives the replicas of a StatefulSet their names.
func (s Spec) governingService() *apply.ServiceApplyConfiguration {
	return apply.Service(s.governing(), s.Namespace()).WithLabels(s.ownLabels()).
		WithSpec(apply.ServiceSpec().WithClusterIP(corev1.ClusterIPNone).WithSelector(s.selector()))
}

func (s Spec) exposing() *apply.ServiceApplyConfiguration {
	e := s.Expose
	port := apply.ServicePort().WithName("main").WithProtocol(corev1.ProtocolTCP).
		WithPort(int32(e.port())).WithTargetPort(intstr.FromInt32(int32(e.ContainerPort)))
	if e.NodePort != 0 {
		port.WithNodePort(int32(e.NodePort))
	}
	kind := corev1.ServiceTypeClusterIP
	switch e.mode() {
	case NodePort:
		kind = corev1.ServiceTypeNodePort
	case LoadBalancer:
		kind = corev1.ServiceTypeLoadBalancer
	}
	return apply.Service(s.service(), s.Namespace()).WithLabels(s.ownLabels()).WithAnnotations(s.notes()).
		WithSpec(apply.ServiceSpec().WithType(kind).WithSelector(s.selector()).WithPorts(port))
}

func (s Spec) ingress() *networking.IngressApplyConfiguration {
	backend := networking.IngressBackend().WithService(networking.IngressServiceBackend().WithName(s.service()).
		WithPort(networking.ServiceBackendPort().WithName("main")))
	rule := networking.IngressRule().WithHost(s.Expose.Host).WithHTTP(networking.HTTPIngressRuleValue().
		WithPaths(networking.HTTPIngressPath().WithPath("/").WithPathType(networkingv1.PathTypePrefix).WithBackend(backend)))
	spec := networking.IngressSpec().WithRules(rule)
	if s.Expose.Class != "" {
		spec.WithIngressClassName(s.Expose.Class)
	}
	return networking.Ingress(s.service(), s.Namespace()).WithLabels(s.ownLabels()).WithAnnotations(s.notes()).WithSpec(spec)
}

// opening lets everybody reach the exposed port of this workload, and no other.
func (s Spec) opening() *networking.NetworkPolicyApplyConfiguration {
	port := networking.NetworkPolicyPort().WithProtocol(corev1.ProtocolTCP).WithPort(intstr.FromInt32(int32(s.Expose.ContainerPort)))
	return networking.NetworkPolicy(s.service(), s.Namespace()).WithLabels(s.ownLabels()).
		WithSpec(networking.NetworkPolicySpec().WithPodSelector(matching(s.selector())).
			WithPolicyTypes(networkingv1.PolicyTypeIngress).
			WithIngress(networking.NetworkPolicyIngressRule().WithPorts(port)))
}

// privateNetworks are where other organisations, the cluster itself and the
// machines' own services live.
func privateNetworks() []string {
	return []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"}
}

// wall closes a namespace in both directions; own opens it to itself, to names
// and to the outside world.
func wall(namespace string, own labels) *networking.NetworkPolicyApplyConfiguration {
	return networking.NetworkPolicy("default-deny", namespace).WithLabels(own).
		WithSpec(networking.NetworkPolicySpec().WithPodSelector(matching(nil)).
			WithPolicyTypes(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress))
}

func ownTraffic(namespace string, own labels) *networking.NetworkPolicyApplyConfiguration {
	neighbours := networking.NetworkPolicyPeer().WithPodSelector(matching(nil))
	names := networking.NetworkPolicyPeer().WithNamespaceSelector(matching(labels{corev1.LabelMetadataName: "kube-system"}))
	dns := func(protocol corev1.Protocol) *networking.NetworkPolicyPortApplyConfiguration {
		return networking.NetworkPolicyPort().WithProtocol(protocol).WithPort(intstr.FromInt32(53))
	}
	world := networking.NetworkPolicyPeer().WithIPBlock(networking.IPBlock().WithCIDR("0.0.0.0/0").WithExcept(privateNetworks()...))
	world6 := networking.NetworkPolicyPeer().WithIPBlock(networking.IPBlock().WithCIDR("::/0").WithExcept("fc00::/7", "fe80::/10"))
	return networking.NetworkPolicy("own-traffic", namespace).WithLabels(own).
		WithSpec(networking.NetworkPolicySpec().WithPodSelector(matching(nil)).
			WithPolicyTypes(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress).
			WithIngress(networking.NetworkPolicyIngressRule().WithFrom(neighbours)).
			WithEgress(
				networking.NetworkPolicyEgressRule().WithTo(neighbours),
				networking.NetworkPolicyEgressRule().WithTo(names).WithPorts(dns(corev1.ProtocolUDP), dns(corev1.ProtocolTCP)),
				networking.NetworkPolicyEgressRule().WithTo(world, world6),
			))
}
