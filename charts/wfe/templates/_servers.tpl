{{/* The servers that values name, as JSON in a dict: name to its values. What contradicts itself is refused here. */}}
{{- define "wfe.servers" -}}
{{- $schemes := dict "postgres" "postgres(ql)?" "valkey" "rediss?|valkey" "opensearch" "https?" }}
{{- $examples := dict "postgres" "postgres://USER@HOST:5432/DATABASE" "valkey" "rediss://HOST:6379/0" "opensearch" "https://HOST:9200" }}
{{- $found := dict }}
{{- range $name := list "opensearch" "postgres" "valkey" }}
{{- $server := index $.Values $name }}
{{- $url := $server.url }}
{{- $secret := $server.existingSecret.name }}
{{- $ca := $server.tls.ca }}
{{- /* A sentence never shows the URL: it may hold a password that was not meant to be there. */}}
{{- if regexMatch "^[^:]*://[^@/?#]*:.*@|[?&](ssl)?password=" $url }}
{{- fail (printf "%s.url holds a password, and what a chart renders can be read by many: put the whole URL into a Secret, and name that in %s.existingSecret" $name $name) }}
{{- end }}
{{- if and $url (not (regexMatch (printf "^(%s)://" (index $schemes $name)) $url)) }}
{{- fail (printf "%s.url is no URL of such a server; write one like %s" $name (index $examples $name)) }}
{{- end }}
{{- if and $url $secret }}
{{- fail (printf "%s.url and %s.existingSecret both say where the server is; keep one of them" $name $name) }}
{{- end }}
{{- if and $ca.existingSecret.name $ca.configMap.name }}
{{- fail (printf "%s.tls.ca.existingSecret and %s.tls.ca.configMap both say whom to trust; keep one of them" $name $name) }}
{{- end }}
{{- if or $url $secret }}
{{- $_ := set $found $name $server }}
{{- else if or $ca.existingSecret.name $ca.configMap.name }}
{{- fail (printf "%s.tls says whom to trust, and nobody says where the server is; give %s.url or %s.existingSecret" $name $name $name) }}
{{- end }}
{{- end }}
{{- toJson $found }}
{{- end }}

{{/* Where the operator finds its servers: environment. */}}
{{- define "wfe.serversEnvironment" -}}
{{- range $name, $server := include "wfe.servers" . | fromJson }}
{{- $variable := printf "WFE_%s" (upper $name) }}
{{- if $server.url }}
- {name: {{ $variable }}_URL, value: {{ $server.url | quote }}}
{{- else }}
- name: {{ $variable }}_URL
  valueFrom:
    secretKeyRef: {name: {{ $server.existingSecret.name }}, key: {{ $server.existingSecret.key }}}
{{- end }}
{{- if or $server.tls.ca.existingSecret.name $server.tls.ca.configMap.name }}
- {name: {{ $variable }}_CA, value: /etc/wfe-servers/{{ $name }}/ca.crt}
{{- end }}
{{- end }}
{{- end }}

{{- define "wfe.serversMounts" -}}
{{- range $name, $server := include "wfe.servers" . | fromJson }}
{{- if or $server.tls.ca.existingSecret.name $server.tls.ca.configMap.name }}
- {name: {{ $name }}-ca, mountPath: /etc/wfe-servers/{{ $name }}, readOnly: true}
{{- end }}
{{- end }}
{{- end }}

{{- define "wfe.serversVolumes" -}}
{{- range $name, $server := include "wfe.servers" . | fromJson }}
{{- with $server.tls.ca.existingSecret }}
{{- if .name }}
- name: {{ $name }}-ca
  secret:
    secretName: {{ .name }}
    items:
      - {key: {{ .key }}, path: ca.crt}
{{- end }}
{{- end }}
{{- with $server.tls.ca.configMap }}
{{- if .name }}
- name: {{ $name }}-ca
  configMap:
    name: {{ .name }}
    items:
      - {key: {{ .key }}, path: ca.crt}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
