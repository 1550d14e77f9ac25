{{/*
Put into `.Values` what is missing there. `helm upgrade --reuse-values` brings the values of the chart that was installed,
its defaults too, and they lack whatever came later. Each template begins with this; doing it twice is doing it once.
*/}}
{{- define "wfe.filled" -}}
{{- include "wfe.fill" (dict "into" .Values "from" (.Files.Get "files/defaults.yaml" | fromYaml)) -}}
{{- end }}

{{- define "wfe.fill" -}}
{{- $into := .into -}}
{{- range $key, $value := .from -}}
{{- $found := index $into $key -}}
{{- if kindIs "invalid" $found -}}
{{- $_ := set $into $key $value -}}
{{- else if and (kindIs "map" $value) (kindIs "map" $found) -}}
{{- include "wfe.fill" (dict "into" $found "from" $value) -}}
{{- end -}}
{{- end -}}
{{- end }}
