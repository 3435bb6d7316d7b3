{{- define "sluice.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: sluice
{{ include "sluice.selector" . }}
{{- end }}

{{- define "sluice.selector" -}}
app.kubernetes.io/name: sluice
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sluice.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "sluice.claim" -}}
{{ .Values.store.existingClaim | default "sluice-store" }}
{{- end }}

{{- /* Nothing runs as root, gains rights, or writes outside the volumes. */ -}}
{{- define "sluice.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* What `sluice operator` and `sluice serve` read from their environment. */ -}}
{{- define "sluice.operatorSettings" -}}
SLUICE_STORE: /var/lib/sluice
SLUICE_CLUSTER: {{ required "clusterName: name this cluster, as approvals will name it" .Values.clusterName }}
SLUICE_SEAL_KEY: /var/run/secrets/sluice.dev/seal/seal.pem
SLUICE_HEALTH_LISTEN: 0.0.0.0:8081
SLUICE_LEASE_NAMESPACE: {{ .Release.Namespace }}
SLUICE_LOG_LEVEL: {{ .Values.operator.logLevel }}
SLUICE_ALLOW_UNSEALED_POLICIES: {{ .Values.policy.allowUnsealed | quote }}
{{- if .Values.policy.genesis }}
SLUICE_GENESIS: /etc/sluice/genesis/genesis.yaml
{{- end }}
{{- if .Values.admission.enabled }}
SLUICE_ADMISSION_LISTEN: 0.0.0.0:9443
SLUICE_ADMISSION_CERT: /var/run/secrets/sluice.dev/admission/tls.crt
SLUICE_ADMISSION_KEY: /var/run/secrets/sluice.dev/admission/tls.key
{{- end }}
{{- end }}

{{- define "sluice.deviceSettings" -}}
SLUICE_STORE: /var/lib/sluice
SLUICE_SEAL_KEY: /var/run/secrets/sluice.dev/seal/seal.pub.pem
SLUICE_LISTEN: 0.0.0.0:8080
SLUICE_PUBLIC_URL: {{ required "devices.publicUrl: say where phones reach the device server, e.g. https://updates.example.com" .Values.devices.publicUrl }}
SLUICE_LOG_LEVEL: {{ .Values.devices.logLevel }}
{{- end }}

{{- /* Hosts as items of a CEL list. values.schema.json lets no quote in. */ -}}
{{- define "sluice.quotedHosts" -}}
{{- range $i, $host := .Values.admission.bundleHosts }}{{ if $i }}, {{ end }}'{{ $host }}'{{ end }}
{{- end }}
