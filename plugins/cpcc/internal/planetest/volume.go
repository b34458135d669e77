package planetest

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

const provisioner = "planetest.tradewind.example"

// volumes provides a volume for each claim of our classes, and grows it with
// its claim, as an external provisioner and resizer would.
type volumes struct {
	kube   kubernetes.Interface
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func startVolumes(kube kubernetes.Interface) *volumes {
	ctx, cancel := context.WithCancel(context.Background())
	v := &volumes{kube: kube, cancel: cancel}
	factory := informers.NewSharedInformerFactory(kube, 0)
	claims := factory.Core().V1().PersistentVolumeClaims().Informer()
	see := func(obj any) {
		if claim, ok := obj.(*corev1.PersistentVolumeClaim); ok {
			v.serve(ctx, claim)
		}
	}
	_, err := claims.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: see, UpdateFunc: func(_, now any) { see(now) }})
	if err != nil {
		cancel() // a new informer takes handlers
		return v
	}
	v.done.Go(func() { claims.Run(ctx.Done()) })
	return v
}

func (v *volumes) stop() {
	v.cancel()
	v.done.Wait()
}

// serve ignores errors: the controllers report a claim that stays unbound.
func (v *volumes) serve(ctx context.Context, claim *corev1.PersistentVolumeClaim) {
	ours := claim.Annotations["volume.kubernetes.io/storage-provisioner"] == provisioner
	switch wants, has := claim.Spec.Resources.Requests[corev1.ResourceStorage], claim.Status.Capacity[corev1.ResourceStorage]; {
	case !ours:
	case claim.Status.Phase == corev1.ClaimPending && claim.Spec.VolumeName == "":
		_, _ = v.kube.CoreV1().PersistentVolumes().Create(ctx, volumeFor(claim), metav1.CreateOptions{})
	case claim.Status.Phase == corev1.ClaimBound && wants.Cmp(has) > 0:
		v.grow(ctx, claim)
	}
}

func volumeFor(claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	mode := corev1.PersistentVolumeFilesystem
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name:        "pvc-" + string(claim.UID),
			Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": provisioner},
		},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      claim.Spec.Resources.Requests.DeepCopy(),
			AccessModes:                   claim.Spec.AccessModes,
			StorageClassName:              *claim.Spec.StorageClassName,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			VolumeMode:                    &mode,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				CSI: &corev1.CSIPersistentVolumeSource{Driver: provisioner, VolumeHandle: string(claim.UID)},
			},
		},
	}
}

func (v *volumes) grow(ctx context.Context, claim *corev1.PersistentVolumeClaim) {
	volume, err := v.kube.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, metav1.GetOptions{})
	if err != nil {
		return
	}
	volume.Spec.Capacity = claim.Spec.Resources.Requests.DeepCopy()
	if _, err := v.kube.CoreV1().PersistentVolumes().Update(ctx, volume, metav1.UpdateOptions{}); err != nil {
		return
	}
	now := claim.DeepCopy()
	now.Status.Capacity = claim.Spec.Resources.Requests.DeepCopy()
	_, _ = v.kube.CoreV1().PersistentVolumeClaims(now.Namespace).UpdateStatus(ctx, now, metav1.UpdateOptions{})
}
