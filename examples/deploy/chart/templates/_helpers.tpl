{{/* What selects the pods, and never changes. */}}
{{- define "snatd.selector" -}}
app.kubernetes.io/name: snatd
{{- end }}

{{- define "snatd.labels" -}}
{{ include "snatd.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "snatd.image" -}}
{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "snatd.exposed" -}}
{{ if or .Values.metrics.exposed .Values.metrics.serviceMonitor.enabled }}true{{ end }}
{{- end }}

{{/* The daemon's configuration: the operator's, and what follows from the pod. */}}
{{- define "snatd.config" -}}
{{- $pod := dict
  "policies" (dict "directory" "/policies.d")
  "history" (dict "directory" "/var/lib/snatd/history")
  "metrics" (dict "listen" (printf "%s:%d" (ternary "0.0.0.0" "127.0.0.1" (eq (include "snatd.exposed" .) "true")) (int .Values.metrics.port)))
}}
{{- if .Values.cleanup }}
{{- $_ := set $pod "network" (dict "ipFamily" "ipv6") }}
{{- end }}
{{- mustMergeOverwrite (deepCopy (.Values.config | default dict)) $pod | toYaml }}
{{- end }}

{{/* The part of it that only a start puts in force. */}}
{{- define "snatd.atStart" -}}
{{- $config := include "snatd.config" . | fromYaml }}
{{- $policies := pick $config.policies "deadline" "memory" }}
{{- $network := pick ($config.network | default dict) "protect" }}
{{- dict "metrics" $config.metrics "policies" $policies "network" $network | toJson }}
{{- end }}
