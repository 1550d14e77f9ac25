{{- define "wfe.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "wfe.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "wfe.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "wfe.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "wfe.operatorAccount" -}}
{{- default (printf "%s-operator" (include "wfe.fullname" .)) .Values.serviceAccount.name }}
{{- end }}

{{- define "wfe.webhookAccount" -}}
{{- include "wfe.fullname" . }}-webhook
{{- end }}

{{/* How the API server calls the operator's account. */}}
{{- define "wfe.operatorUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "wfe.operatorAccount" . }}
{{- end }}

{{- define "wfe.selector" -}}
app.kubernetes.io/name: {{ include "wfe.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "wfe.labels" -}}
{{ include "wfe.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An image's whole name, of a dict of `image` and `root`. */}}
{{- define "wfe.image" -}}
{{- $registry := default .root.Values.image.registry .image.registry -}}
{{- with $registry }}{{ . }}/{{ end }}{{ .image.repository -}}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ default .root.Chart.AppVersion .image.tag }}{{ end }}
{{- end }}

{{/* The namespaces whose workflows are run, as JSON in a dict; empty for all. */}}
{{- define "wfe.stepNamespaces" -}}
{{- $chosen := .Values.networkPolicy.steps.namespaces | default .Values.namespaces | default (list .Release.Namespace) -}}
{{- dict "names" $chosen | toJson }}
{{- end }}
