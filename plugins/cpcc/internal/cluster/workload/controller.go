package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	apps "k8s.io/client-go/applyconfigurations/apps/v1"
	batch "k8s.io/client-go/applyconfigurations/batch/v1"
	apply "k8s.io/client-go/applyconfigurations/core/v1"
)

func (s Spec) statefulSet(login string) *apps.StatefulSetApplyConfiguration {
	spec := apps.StatefulSetSpec().WithReplicas(s.running()).
		WithServiceName(s.governing()).WithSelector(matching(s.selector())).
		WithPodManagementPolicy(appsv1.ParallelPodManagement). // a broken first replica must not block a repaired spec
		WithTemplate(s.pod(login))
	if s.Storage != nil { // the claims outlive the set: Delete alone ends them
		spec.WithVolumeClaimTemplates(apply.PersistentVolumeClaim(volume, "").WithNamespace("").
			WithLabels(s.ownLabels()).WithSpec(s.Storage.claimSpec()))
	}
	return apps.StatefulSet(s.Ref.Name(), s.Namespace()).WithLabels(s.ownLabels()).WithAnnotations(s.notes()).WithSpec(spec)
}

func (s Spec) deployment(login string) *apps.DeploymentApplyConfiguration {
	// Cards and disks cannot be had twice: the old replica goes first.
	surge := intstr.FromInt32(1)
	gap := intstr.FromInt32(0)
	if s.GPUs > 0 || s.Storage != nil {
		surge, gap = gap, surge
	}
	spec := apps.DeploymentSpec().WithReplicas(s.running()).WithSelector(matching(s.selector())).
		WithRevisionHistoryLimit(2).
		WithStrategy(apps.DeploymentStrategy().WithType(appsv1.RollingUpdateDeploymentStrategyType).
			WithRollingUpdate(apps.RollingUpdateDeployment().WithMaxSurge(surge).WithMaxUnavailable(gap))).
		WithTemplate(s.pod(login))
	return apps.Deployment(s.Ref.Name(), s.Namespace()).WithLabels(s.ownLabels()).WithAnnotations(s.notes()).WithSpec(spec)
}

func (s Spec) daemonSet(login string) *apps.DaemonSetApplyConfiguration {
	spec := apps.DaemonSetSpec().WithSelector(matching(s.selector())).WithRevisionHistoryLimit(2).WithTemplate(s.pod(login))
	return apps.DaemonSet(s.Ref.Name(), s.Namespace()).WithLabels(s.ownLabels()).WithAnnotations(s.notes()).WithSpec(spec)
}

// job tries a few times; the selector is Kubernetes' own.
func (s Spec) job(login string) *batch.JobApplyConfiguration {
	return batch.Job(s.Ref.Name(), s.Namespace()).WithLabels(s.ownLabels()).
		WithAnnotations(s.notes()).WithAnnotations(labels{noteSpec: s.hash(login)}).WithSpec(s.jobSpec(login).WithSuspend(s.Stopped))
}

func (s Spec) jobSpec(login string) *batch.JobSpecApplyConfiguration {
	return batch.JobSpec().WithBackoffLimit(3).WithTemplate(s.pod(login))
}

func (s Spec) cronJob(login string) *batch.CronJobApplyConfiguration {
	spec := batch.CronJobSpec().WithSchedule(s.Schedule).WithConcurrencyPolicy(batchv1.ForbidConcurrent).
		WithSuccessfulJobsHistoryLimit(3).WithFailedJobsHistoryLimit(1).WithStartingDeadlineSeconds(300).WithSuspend(s.Stopped).
		WithJobTemplate(batch.JobTemplateSpec().WithLabels(s.ownLabels()).WithSpec(s.jobSpec(login)))
	if s.TimeZone != "" {
		spec.WithTimeZone(s.TimeZone)
	}
	return batch.CronJob(s.Ref.Name(), s.Namespace()).WithLabels(s.ownLabels()).WithAnnotations(s.notes()).WithSpec(spec)
}

func (s Spec) bare(login string) *apply.PodApplyConfiguration {
	return apply.Pod(s.Ref.Name(), s.Namespace()).WithLabels(s.podLabels()).
		WithAnnotations(s.notes()).WithAnnotations(labels{noteSpec: s.hash(login)}).WithSpec(s.podSpec())
}

// hash tells whether what cannot be changed in place is another: it is that of
// the pod template, login included.
func (s Spec) hash(login string) string {
	raw, err := json.Marshal(s.pod(login))
	if err != nil {
		return "" // an apply configuration always encodes
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}
