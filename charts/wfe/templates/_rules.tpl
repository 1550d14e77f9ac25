{{/* What the operator may do where instances are: in all namespaces, or in each that is listed. No Secrets. */}}
{{- define "wfe.operatorRules" -}}
- apiGroups: [wfe.sunbeam.pt]
  resources: [workflows, workflowinstances, workflowevents]
  verbs: [get, list, watch]
- apiGroups: [wfe.sunbeam.pt]
  resources: [workflowinstances]
  verbs: [create, patch, delete]        # children; time to live
- apiGroups: [wfe.sunbeam.pt]
  resources: [workflowevents]
  verbs: [create, delete]               # expired ones
- apiGroups: [wfe.sunbeam.pt]
  resources: [workflows/status, workflowinstances/status, workflowevents/status]
  verbs: [get, patch, update]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods/exec]
  verbs: [get, create]                  # a WebSocket is a GET, which since Kubernetes 1.35 needs `create` too
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, create, patch, delete, deletecollection]     # large values, history, logs
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, create, patch, delete]                       # workspaces on volumes
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, list, watch, create, patch, delete]                # pinned definitions
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, list, watch, create, patch, delete, deletecollection]   # activities, and who works on them
- apiGroups: [""]
  resources: [events]
  verbs: [list, create]                 # what befell a pod; what befalls an instance
{{- end }}

{{/* What the webhook may look at, to check what an instance or a child workflow refers to. */}}
{{- define "wfe.webhookRules" -}}
- apiGroups: [wfe.sunbeam.pt]
  resources: [workflows]
  verbs: [get, list, watch]
{{- end }}
