package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tradewind.example/sdk/fault"
)

var errBadConfig = errors.New("the kubeconfig cannot be used")

var oneRow = metav1.ListOptions{Limit: 1}

// shortly is when to come back to a cluster that is busy with itself.
const shortly = 3 * time.Second

// rule turns one sort of answer into a fault.
type rule struct {
	is   func(error) bool
	make func(error) *fault.Error
}

func fixed(class fault.Class, message string) func(error) *fault.Error {
	return func(error) *fault.Error { return fault.New(class, "%s", message) }
}

func later(message string) func(error) *fault.Error {
	return func(err error) *fault.Error {
		e := fault.Unavailable("%s", message)
		e.RetryAfter = shortly
		if s, ok := apierrors.SuggestsClientDelay(err); ok && s > 0 {
			e.RetryAfter = time.Duration(s) * time.Second
		}
		return e
	}
}

func doubt(message string) func(error) *fault.Error {
	return func(err error) *fault.Error { return fault.Unknown(err, "%s", message) }
}

func throttled(err error) *fault.Error {
	e := later("")(err)
	return fault.Throttled(e.RetryAfter, "the cluster answers too many requests: wait and try again")
}

// rules is the one table of errors, the first match counts.
func rules() []rule {
	return []rule{
		{isBadConfig, fixed(fault.ClassInvalid, "the kubeconfig's certificate or key cannot be read: give a working kubeconfig")},
		{isTerminating, later("the namespace is being deleted: try again when it is gone")},
		{isQuota, fixed(fault.ClassQuota, "the organisation's quota in this cluster is used up")},
		{apierrors.IsNotFound, fixed(fault.ClassNotFound, "the cluster does not have it")},
		{apierrors.IsAlreadyExists, fixed(fault.ClassConflict, "the cluster has it already")},
		{apierrors.IsConflict, fixed(fault.ClassConflict, "it was changed meanwhile: try again")},
		{apierrors.IsInvalid, invalid},
		{apierrors.IsBadRequest, invalid},
		{apierrors.IsRequestEntityTooLargeError, fixed(fault.ClassInvalid, "the request is too large for the cluster")},
		{apierrors.IsUnauthorized, fixed(fault.ClassUnauthenticated, "the cluster does not know the kubeconfig's user: give a new kubeconfig")},
		{apierrors.IsForbidden, fixed(fault.ClassForbidden, "the kubeconfig's user may not do this, or a rule of the cluster forbids it")},
		{apierrors.IsTooManyRequests, throttled},
		{apierrors.IsServerTimeout, doubt("the cluster did not end the request in time")},
		{apierrors.IsTimeout, doubt("the cluster did not end the request in time")},
		{apierrors.IsServiceUnavailable, later("the cluster's API is not available")},
		{apierrors.IsGone, fixed(fault.ClassConflict, "the list has become too old: begin it again")},
		{apierrors.IsResourceExpired, fixed(fault.ClassConflict, "the list has become too old: begin it again")},
		{apierrors.IsMethodNotSupported, fixed(fault.ClassUnsupported, "the cluster does not offer this")},
		{apierrors.IsInternalError, doubt("the cluster's API failed")},
		{isStatus, doubt("the cluster's API answered an error")},
		{isUntrusted, fixed(fault.ClassPrecondition, "the server's certificate is not the kubeconfig's: give the cluster's own kubeconfig")},
		{isNotSent, later("the cluster's API cannot be reached")},
		{isEnded, doubt("the call did not end in time")},
	}
}

// Fault classifies an error of a cluster's API. A fault stays as it is, nil
// stays nil. The outcome of a change is unknown unless the API refused it or was
// never reached. The API's own text is the cause, for operators; its reason is
// the fault's cloud code.
func Fault(err error) error {
	var already *fault.Error
	if err == nil || errors.As(err, &already) {
		return err
	}
	for _, r := range rules() {
		if r.is(err) {
			return r.make(err).With(err).Cloud(string(apierrors.ReasonForError(err)), "")
		}
	}
	return fault.Unknown(err, "the connection to the cluster broke").From(fault.SourceCloud)
}

// invalid carries the API's fields over.
func invalid(err error) *fault.Error {
	e := fault.New(fault.ClassInvalid, "the cluster refuses the request")
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Details != nil {
		for _, c := range status.Status().Details.Causes {
			e.Fields = append(e.Fields, fault.Field{Path: c.Field, Message: c.Message})
		}
	}
	return e
}

func isBadConfig(err error) bool { return errors.Is(err, errBadConfig) }

func isTerminating(err error) bool {
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}

// isQuota reads the text: the API has no reason of its own for quotas.
func isQuota(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "exceeded quota")
}

func isStatus(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status)
}

func isUntrusted(err error) bool {
	var wrong *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	return errors.As(err, &wrong) || errors.As(err, &unknown)
}

// isNotSent is true for errors before the first byte of the request.
func isNotSent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns)
}

func isEnded(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
