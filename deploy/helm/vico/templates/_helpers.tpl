{{- define "vico.name" -}}
{{- default .Release.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "vico.selector" -}}
app.kubernetes.io/name: vico
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "vico.labels" -}}
{{ include "vico.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* An image's reference: dict "image" … "root" $ */}}
{{- define "vico.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ default .root.Chart.AppVersion .image.tag }}
{{- end -}}
{{- end -}}

{{/* The values of one class of workers: dict "class" {…} "root" $ */}}
{{- define "vico.worker" -}}
{{- mustMergeOverwrite (deepCopy .root.Values.workerDefaults) (deepCopy (default dict .class)) | toYaml -}}
{{- end -}}

{{- define "vico.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "vico.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Where a pod may go: dict "v" values of the server or of a class of workers */}}
{{- define "vico.placement" -}}
{{- with .v.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .v.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .v.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .v.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* The variables of a program that sends spans: those that its secrets hold. */}}
{{- define "vico.tracingEnv" -}}
{{- with .Values.tracing.headersSecret }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom: {secretKeyRef: {name: {{ . }}, key: headers}}
{{- end }}
{{- if .Values.tracing.caSecret }}
- {name: SSL_CERT_FILE, value: /etc/vico/collector/ca.crt}
{{- end }}
{{- end -}}

{{/* What such a program may call: the collector. */}}
{{- define "vico.tracingEgress" -}}
{{- if and .Values.tracing.endpoint .Values.networkPolicy.collector }}
- to: {{- toYaml .Values.networkPolicy.collector | nindent 4 }}
  ports:
    - {protocol: TCP, port: {{ .Values.networkPolicy.collectorPort }}}
{{- end }}
{{- end -}}

{{/* And the resolver. */}}
{{- define "vico.dnsEgress" -}}
{{- with .Values.networkPolicy.dns }}
- to: {{- toYaml . | nindent 4 }}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end }}
{{- end -}}
