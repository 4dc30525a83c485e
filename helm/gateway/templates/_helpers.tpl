{{- define "gateway.name" -}}
{{ .Values.fullnameOverride | default .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "gateway.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end }}

{{- define "gateway.testSelector" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end }}

{{- define "gateway.labels" -}}
{{ include "gateway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "gateway.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "gateway.tlsSecret" -}}
{{ .Values.tls.secretName | default (printf "%s-tls" (include "gateway.name" .)) }}
{{- end }}

{{/* What is served at /<topic>, beside what the streams file has. */}}
{{- define "gateway.topics" -}}
{{ join "," (.Values.topics | default (ternary (list "events") list (empty .Values.streamsFile))) }}
{{- end }}

{{/* The path of a stream, to look at. Empty: none is known. */}}
{{- define "gateway.stream" -}}
{{- $file := fromYaml .Values.streamsFile -}}
{{- with $file.Error }}{{ fail (printf "streamsFile is no YAML: %s" .) }}{{ end -}}
{{- $paths := list -}}
{{- range $path, $_ := $file.streams }}{{ if not (contains "{" $path) }}{{ $paths = append $paths $path }}{{ end }}{{ end -}}
{{- range $topic, $of := $file.topics }}{{ if ne (dig "path" true ($of | default dict)) false }}{{ $paths = append $paths (printf "/%s" $topic) }}{{ end }}{{ end -}}
{{- range splitList "," (include "gateway.topics" .) }}{{ if . }}{{ $paths = append $paths (printf "/%s" .) }}{{ end }}{{ end -}}
{{ .Values.helmTest.path | default (first (append $paths "")) }}
{{- end }}

{{/* Whether users sign in. */}}
{{- define "gateway.signsIn" -}}
{{ if or .Values.settings.JWT_ISSUER .Values.settings.SIGN_IN_URL }}true{{ end }}
{{- end }}

{{/* What the restricted pod security standard asks for, and a read-only root. */}}
{{- define "gateway.podSecurity" -}}
runAsNonRoot: true
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "gateway.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* A value as the environment has it: YAML's numbers would come out as 1e+06. */}}
{{- define "gateway.text" -}}
{{- if kindIs "float64" . }}{{ . | int64 }}{{ else if kindIs "slice" . }}{{ join "," . }}{{ else }}{{ . }}{{ end -}}
{{- end }}

{{/* A map as name=value,... */}}
{{- define "gateway.pairs" -}}
{{- $pairs := list }}{{ range $name, $value := . }}{{ $pairs = append $pairs (printf "%s=%s" $name $value) }}{{ end -}}
{{ join "," $pairs }}
{{- end }}
