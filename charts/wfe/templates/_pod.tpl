{{/* What Pod Security calls restricted. */}}
{{- define "wfe.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "wfe.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The template of a pod, of a dict of `root`, `component`, `account`, `settings`. */}}
{{- define "wfe.podTemplate" -}}
{{- $root := .root }}
metadata:
  labels:
    {{- include "wfe.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
    {{- with $root.Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: {{ .component }}
    checksum/config: {{ include (print $root.Template.BasePath "/config.yaml") $root | sha256sum }}
    {{- with $root.Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ .account }}
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with $root.Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    {{- include "wfe.podSecurity" $root | nindent 4 }}
  terminationGracePeriodSeconds: {{ $root.Values.operator.terminationGracePeriodSeconds }}
  containers:
    - name: {{ .component }}
      {{- include "wfe.container" (dict "root" $root "verb" .verb) | nindent 6 }}
      ports:
        - {name: http, containerPort: 8080}
        {{- if eq .component "webhook" }}
        - {name: https, containerPort: 9443}
        {{- end }}
      startupProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 15
        timeoutSeconds: 5
        failureThreshold: 4
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 5
        timeoutSeconds: 5
      resources:
        {{- toYaml .settings.resources | nindent 8 }}
  volumes:
    {{- include "wfe.volumes" $root | nindent 4 }}
    {{- if eq .verb "run" }}
    {{- with include "wfe.serversVolumes" $root | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- end }}
  {{- with $root.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- if $root.Values.topologySpreadConstraints }}
    {{- toYaml $root.Values.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "wfe.selector" $root | nindent 10 }}
          app.kubernetes.io/component: {{ .component }}
    {{- end }}
{{- end }}

{{/* Image, command, environment and mounts, which the cleanup hook shares; of a dict of `root` and `verb`. */}}
{{- define "wfe.container" -}}
image: {{ include "wfe.image" (dict "root" .root "image" .root.Values.image) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command: [python, -m, wfe.hosts.kubernetes]
args: [{{ .verb }}]
env:
  - {name: WFE_CONFIG_FILE, value: /etc/wfe/config.yaml}
  - {name: HOME, value: /tmp}
  - {name: USER, value: wfe}
  - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
  - {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
  - {name: POD_UID, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
  {{- if eq .verb "run" }}
  {{- with include "wfe.serversEnvironment" .root | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- end }}
  {{- with .root.Values.operator.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  {{- include "wfe.containerSecurity" .root | nindent 2 }}
volumeMounts:
  - {name: config, mountPath: /etc/wfe, readOnly: true}
  - {name: tmp, mountPath: /tmp}
  {{- if eq .verb "run" }}
  {{- with include "wfe.serversMounts" .root | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- end }}
{{- end }}

{{- define "wfe.volumes" -}}
- name: config
  configMap:
    name: {{ include "wfe.fullname" . }}
- name: tmp
  emptyDir:
    # Of which lines of logs that wait for OpenSearch take up to 1 GiB.
    sizeLimit: 1152Mi
{{- end }}

{{/* Annotations of the hook before uninstalling, of its weight. */}}
{{- define "wfe.cleanupHook" -}}
helm.sh/hook: pre-delete
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}
