#include "launch/lint/manifest_fields.h"

#include <algorithm>
#include <iterator>

#include "catalogue/nearest.h"

namespace rankdx::lint {
namespace {

// PodSpec and its parts of Kubernetes 1.20 to 1.34; LeaderWorkerSet v1 (0.3 to 0.10).
constexpr std::string_view kPod[] = {"activeDeadlineSeconds",
                                     "affinity",
                                     "automountServiceAccountToken",
                                     "containers",
                                     "dnsConfig",
                                     "dnsPolicy",
                                     "enableServiceLinks",
                                     "ephemeralContainers",
                                     "hostAliases",
                                     "hostIPC",
                                     "hostNetwork",
                                     "hostPID",
                                     "hostUsers",
                                     "hostname",
                                     "hostnameOverride",
                                     "imagePullSecrets",
                                     "initContainers",
                                     "nodeName",
                                     "nodeSelector",
                                     "os",
                                     "overhead",
                                     "preemptionPolicy",
                                     "priority",
                                     "priorityClassName",
                                     "readinessGates",
                                     "resourceClaims",
                                     "resources",
                                     "restartPolicy",
                                     "runtimeClassName",
                                     "schedulerName",
                                     "schedulingGates",
                                     "securityContext",
                                     "serviceAccount",
                                     "serviceAccountName",
                                     "setHostnameAsFQDN",
                                     "shareProcessNamespace",
                                     "subdomain",
                                     "terminationGracePeriodSeconds",
                                     "tolerations",
                                     "topologySpreadConstraints",
                                     "volumes"};
constexpr std::string_view kPodSecurity[] = {"appArmorProfile",
                                             "fsGroup",
                                             "fsGroupChangePolicy",
                                             "runAsGroup",
                                             "runAsNonRoot",
                                             "runAsUser",
                                             "seLinuxChangePolicy",
                                             "seLinuxOptions",
                                             "seccompProfile",
                                             "supplementalGroups",
                                             "supplementalGroupsPolicy",
                                             "sysctls",
                                             "windowsOptions"};
constexpr std::string_view kContainer[] = {"args",
                                           "command",
                                           "env",
                                           "envFrom",
                                           "image",
                                           "imagePullPolicy",
                                           "lifecycle",
                                           "livenessProbe",
                                           "name",
                                           "ports",
                                           "readinessProbe",
                                           "resizePolicy",
                                           "resources",
                                           "restartPolicy",
                                           "restartPolicyRules",
                                           "securityContext",
                                           "startupProbe",
                                           "stdin",
                                           "stdinOnce",
                                           "terminationMessagePath",
                                           "terminationMessagePolicy",
                                           "tty",
                                           "volumeDevices",
                                           "volumeMounts",
                                           "workingDir"};
constexpr std::string_view kContainerSecurity[] = {
    "allowPrivilegeEscalation", "appArmorProfile", "capabilities", "privileged", "procMount",
    "readOnlyRootFilesystem",   "runAsGroup",      "runAsNonRoot", "runAsUser",  "seLinuxOptions",
    "seccompProfile",           "windowsOptions"};
constexpr std::string_view kResources[] = {"claims", "limits", "requests"};
constexpr std::string_view kProbe[] = {"exec",
                                       "failureThreshold",
                                       "grpc",
                                       "httpGet",
                                       "initialDelaySeconds",
                                       "periodSeconds",
                                       "successThreshold",
                                       "tcpSocket",
                                       "terminationGracePeriodSeconds",
                                       "timeoutSeconds"};
constexpr std::string_view kVolume[] = {"awsElasticBlockStore",
                                        "azureDisk",
                                        "azureFile",
                                        "cephfs",
                                        "cinder",
                                        "configMap",
                                        "csi",
                                        "downwardAPI",
                                        "emptyDir",
                                        "ephemeral",
                                        "fc",
                                        "flexVolume",
                                        "flocker",
                                        "gcePersistentDisk",
                                        "gitRepo",
                                        "glusterfs",
                                        "hostPath",
                                        "image",
                                        "iscsi",
                                        "name",
                                        "nfs",
                                        "persistentVolumeClaim",
                                        "photonPersistentDisk",
                                        "portworxVolume",
                                        "projected",
                                        "quobyte",
                                        "rbd",
                                        "scaleIO",
                                        "secret",
                                        "storageos",
                                        "vsphereVolume"};
constexpr std::string_view kVolumeMount[] = {"mountPath",  "mountPropagation",  "name",
                                             "readOnly",   "recursiveReadOnly", "subPath",
                                             "subPathExpr"};
constexpr std::string_view kEnv[] = {"name", "value", "valueFrom"};
constexpr std::string_view kLwsSpec[] = {"leaderWorkerTemplate", "networkConfig", "replicas",
                                         "rolloutStrategy", "startupPolicy"};
constexpr std::string_view kLwsTemplate[] = {"leaderTemplate",
                                             "persistentVolumeClaimRetentionPolicy",
                                             "resourceClaimTemplates",
                                             "restartPolicy",
                                             "size",
                                             "subGroupPolicy",
                                             "volumeClaimTemplates",
                                             "workerTemplate"};

}  // namespace

std::span<const std::string_view> fields_of(FieldTable table) {
  switch (table) {
    case FieldTable::Pod:
      return kPod;
    case FieldTable::PodSecurity:
      return kPodSecurity;
    case FieldTable::Container:
      return kContainer;
    case FieldTable::ContainerSecurity:
      return kContainerSecurity;
    case FieldTable::Resources:
      return kResources;
    case FieldTable::Probe:
      return kProbe;
    case FieldTable::Volume:
      return kVolume;
    case FieldTable::VolumeMount:
      return kVolumeMount;
    case FieldTable::Env:
      return kEnv;
    case FieldTable::LwsSpec:
      return kLwsSpec;
    case FieldTable::LwsTemplate:
      return kLwsTemplate;
  }
  return {};
}

FieldVerdict judge_field(FieldTable table, std::string_view name) {
  const auto all = fields_of(table);
  if (std::binary_search(all.begin(), all.end(), name)) return {};
  const auto near = nearest(name, all, 1);
  return {false, near.empty() ? std::string_view{} : near[0]};
}

}  // namespace rankdx::lint
