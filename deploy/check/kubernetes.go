package main

import (
	"context"
	"fmt"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	appsinstall "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/batch"
	batchinstall "k8s.io/kubernetes/pkg/apis/batch/install"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	coreinstall "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	networkinginstall "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	policyinstall "k8s.io/kubernetes/pkg/apis/policy/install"
	policyvalidation "k8s.io/kubernetes/pkg/apis/policy/validation"
	security "k8s.io/pod-security-admission/api"
	securitypolicy "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

type manifests struct {
	// As YAML, for other tools.
	Text string `json:"text"`
	// With every default of the API server.
	Objects []runtime.Object `json:"objects"`
	// What an API server would refuse, warn of, or not admit in a namespace of the level `restricted`.
	Findings []string `json:"findings"`
}

var (
	scheme = runtime.NewScheme()
	// Strict: keys that the API does not have are refused, and keys that come twice.
	codecs = serializer.NewCodecFactory(scheme, serializer.EnableStrict)
)

func init() {
	appsinstall.Install(scheme)
	batchinstall.Install(scheme)
	coreinstall.Install(scheme)
	networkinginstall.Install(scheme)
	policyinstall.Install(scheme)
	utilruntime.Must(monitoring.AddToScheme(scheme))
}

func readKubernetes(ctx context.Context, folder string) (any, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, err
	}
	text, err := built.AsYaml()
	if err != nil {
		return nil, err
	}
	answer := manifests{Text: string(text), Findings: []string{}}
	for _, resource := range built.Resources() {
		yaml, err := resource.AsYAML()
		if err != nil {
			return nil, err
		}
		name := resource.GetKind() + "/" + resource.GetName()
		object, _, err := codecs.UniversalDeserializer().Decode(yaml, nil, nil)
		if err != nil {
			answer.Findings = append(answer.Findings, fmt.Sprintf("%s: %v", name, err))
			continue
		}
		scheme.Default(object)
		answer.Objects = append(answer.Objects, object)
		for _, finding := range judge(ctx, object) {
			answer.Findings = append(answer.Findings, name+": "+finding)
		}
	}
	return answer, nil
}

func judge(ctx context.Context, object runtime.Object) []string {
	findings := []string{}
	errors, warnings := validate(ctx, object)
	for _, err := range errors {
		findings = append(findings, err.Error())
	}
	findings = append(findings, warnings...)
	if template := podTemplate(object); template != nil {
		findings = append(findings, restricted(template)...)
	}
	return findings
}

func internal(object runtime.Object) (runtime.Object, error) {
	return scheme.ConvertToVersion(object, runtime.InternalGroupVersioner)
}

// As the API server's strategies for a create do. A kind that is not among them is decoded strictly, and no more.
func validate(ctx context.Context, object runtime.Object) (field.ErrorList, []string) {
	if _, ok := object.(*monitoring.ServiceMonitor); ok {
		return nil, nil
	}
	converted, err := internal(object)
	if err != nil {
		return nil, []string{err.Error()}
	}
	template := field.NewPath("spec", "template")
	switch o := converted.(type) {
	case *apps.Deployment:
		options := pod.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)
		return appsvalidation.ValidateDeployment(o, options), pod.GetWarningsForPodTemplate(ctx, template, &o.Spec.Template, nil)
	case *batch.Job:
		// An API server makes the labels that a Job's pods are found by.
		manual := true
		o.Spec.ManualSelector = &manual
		o.Spec.Selector = &metav1.LabelSelector{MatchLabels: o.Spec.Template.Labels}
		options := batchvalidation.JobValidationOptions{PodValidationOptions: pod.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)}
		return batchvalidation.ValidateJob(o, options), pod.GetWarningsForPodTemplate(ctx, template, &o.Spec.Template, nil)
	case *core.Service:
		// An API server makes the list out of the one.
		if o.Spec.ClusterIP == core.ClusterIPNone {
			o.Spec.ClusterIPs = []string{core.ClusterIPNone}
		}
		return corevalidation.ValidateServiceCreate(o), nil
	case *core.ConfigMap:
		return corevalidation.ValidateConfigMap(o), nil
	case *core.Secret:
		return corevalidation.ValidateSecret(o), nil
	case *core.ServiceAccount:
		return corevalidation.ValidateServiceAccount(o), nil
	case *core.Namespace:
		return corevalidation.ValidateNamespace(o), nil
	case *policy.PodDisruptionBudget:
		return policyvalidation.ValidatePodDisruptionBudget(o, policyvalidation.PodDisruptionBudgetValidationOptions{}), nil
	case *networking.NetworkPolicy:
		return networkingvalidation.ValidateNetworkPolicy(o, networkingvalidation.NetworkPolicyValidationOptions{}), nil
	default:
		return nil, []string{fmt.Sprintf("the check knows no rules for %T", converted)}
	}
}

func podTemplate(object runtime.Object) *corev1.PodTemplateSpec {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template
	case *batchv1.Job:
		return &o.Spec.Template
	default:
		return nil
	}
}

// The Pod Security Standard `restricted`, by the code of the admission plugin.
func restricted(template *corev1.PodTemplateSpec) []string {
	evaluator, err := securitypolicy.NewEvaluator(securitypolicy.DefaultChecks(), nil)
	if err != nil {
		return []string{err.Error()}
	}
	level := security.LevelVersion{Level: security.LevelRestricted, Version: security.LatestVersion()}
	findings := []string{}
	for _, result := range evaluator.EvaluatePod(level, &template.ObjectMeta, &template.Spec) {
		if !result.Allowed {
			findings = append(findings, fmt.Sprintf("restricted: %s: %s", result.ForbiddenReason, result.ForbiddenDetail))
		}
	}
	return findings
}
